import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import {
  ensurePrivateDir,
  errorCode,
  fileVersion,
  readIfExists,
  reasonOf,
  writeFileAtomic,
} from "../../src/lib/files.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync("/tmp/mcpd-");
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

describe("writeFileAtomic()", () => {
  test("writes a file for the owner alone and leaves nothing else behind", () => {
    const path = join(directory, "key");
    writeFileAtomic(path, "säcret");
    expect(readFileSync(path, "utf8")).toBe("säcret");
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["key"]);
  });

  test("takes rights away from a file that had more", () => {
    const path = join(directory, "key");
    writeFileSync(path, "old");
    chmodSync(path, 0o644);
    writeFileAtomic(path, "new");
    expect(modeOf(path)).toBe(0o600);
  });

  test("sets the mode it is asked for, whatever the umask", () => {
    const before = process.umask(0o077);
    try {
      writeFileAtomic(join(directory, "script"), new Uint8Array([35, 33]), { mode: 0o755 });
    } finally {
      process.umask(before);
    }
    expect(modeOf(join(directory, "script"))).toBe(0o755);
  });

  test("keeps the old state and no rubbish when it fails", () => {
    const path = join(directory, "taken");
    ensurePrivateDir(path);
    expect(() => writeFileAtomic(path, "text")).toThrow();
    expect(readdirSync(directory)).toEqual(["taken"]);
  });
});

test("readIfExists() gives null only when there is no file", () => {
  expect(readIfExists(join(directory, "none"))).toBeNull();
  writeFileSync(join(directory, "empty"), "");
  expect(readIfExists(join(directory, "empty"))).toBe("");
  expect(readIfExists(join(directory, "empty", "below"))).toBeNull();
  expect(() => readIfExists(directory)).toThrow();
});

test("fileVersion() is another one after each change, and none where there is no file", () => {
  const path = join(directory, "versions");
  const seen = [fileVersion(path)];
  for (const change of [
    () => writeFileSync(path, "a", { mode: 0o600 }),
    () => writeFileSync(path, "ab"),
    () => chmodSync(path, 0o640),
    () => writeFileAtomic(path, "cd"),
  ]) {
    change();
    seen.push(fileVersion(path));
    expect(fileVersion(path)).toBe(seen.at(-1) ?? "");
  }
  expect(new Set(seen).size).toBe(5);
  expect([seen[0], fileVersion(join(path, "below"))]).toEqual(["", ""]);
});

test("ensurePrivateDir() creates parents for the owner alone and leaves existing ones", () => {
  const inner = join(directory, "a", "b");
  ensurePrivateDir(inner);
  expect(modeOf(inner)).toBe(0o700);
  chmodSync(inner, 0o755);
  ensurePrivateDir(inner);
  expect(modeOf(inner)).toBe(0o755);
});

test("reasonOf() puts system errors into words", () => {
  const thrown = (() => {
    try {
      readIfExists(directory);
    } catch (error) {
      return error;
    }
  })();
  expect(errorCode(thrown)).toBe("EISDIR");
  expect(reasonOf(thrown)).toBe("it is a directory");
  expect(reasonOf(new Error("odd"))).toBe("odd");
  expect(reasonOf("thrown text")).toBe("thrown text");
});
