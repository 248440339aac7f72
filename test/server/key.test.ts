import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { isFault } from "../../src/core/fault.ts";
import { ApiKey, type KeyFound, loadKey } from "../../src/server/key.ts";

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function freshFile(): string {
  const directory = mkdtempSync("/tmp/mcpd-key-");
  directories.push(directory);
  return join(directory, "inner", "api-key");
}

function load(file: string, env?: string): KeyFound {
  const found = loadKey({ env, file });
  if (isFault(found)) throw new Error(found.text);
  return found;
}

describe("loadKey()", () => {
  test("makes a key of 32 random bytes in a private file, and finds it again", () => {
    const file = freshFile();
    const made = load(file);
    expect(made.key.reveal()).toMatch(/^mcpd_[A-Za-z0-9_-]{43}$/);
    expect(readFileSync(file, "utf8")).toBe(`${made.key.reveal()}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = load(file);
    expect(again.wasExposed).toBe(false);
    expect(again.key.reveal()).toBe(made.key.reveal());
    expect(load(freshFile()).key.reveal()).not.toBe(made.key.reveal());
  });

  test("prefers the environment, unless it is empty", () => {
    const file = freshFile();
    const found = load(file, " from-env ");
    expect(found.key.reveal()).toBe("from-env");
    expect(existsSync(file)).toBe(false);
    expect(load(file, "").key.reveal()).toStartWith("mcpd_");
  });

  test("closes a file that others could read, and says so once", () => {
    const file = freshFile();
    load(file);
    chmodSync(file, 0o640);
    expect(load(file).wasExposed).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(load(file).wasExposed).toBe(false);
  });

  test("refuses an empty file and one it cannot use", () => {
    const file = freshFile();
    load(file);
    writeFileSync(file, "\n");
    expect(loadKey({ env: undefined, file })).toMatchObject({
      code: "file.failed",
      text: `Cannot use the API key file ${file}: it is empty; delete it to get a new key`,
    });
    const inside = join(file, "api-key");
    expect(loadKey({ env: undefined, file: inside })).toMatchObject({ code: "file.failed" });
  });
});

describe("ApiKey.matches()", () => {
  test("is true for the very key and for nothing near it", () => {
    const key = new ApiKey("mcpd_abc");
    expect(key.matches("mcpd_abc")).toBe(true);
    for (const near of ["", "mcpd_ab", "mcpd_abcd", "MCPD_ABC", "mcpd_abc ", "mcpd_abç"]) {
      expect(key.matches(near)).toBe(false);
    }
  });
});
