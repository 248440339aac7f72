import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";

import { releaseKeys, runtimeFlags, stamp } from "../build/compile.ts";
import { describeSignature, isSound, readSignature } from "../build/macho.ts";
import { writeRelease } from "../build/release.ts";
import { runsHere, smoke } from "../build/smoke.ts";
import { TARGETS } from "../build/targets.ts";
import { programIn } from "../src/install/archive.ts";
import { sha256 } from "../src/lib/hash.ts";
import { program } from "./helpers/program.ts";
import { TemporaryDirectory } from "./helpers/temporary.ts";

const PAGE = 4096;

/** A Mach-O file of one load command, `pages` pages of code and a signature of their hashes. */
function signedProgram(pages: number): Uint8Array {
  const codeBytes = pages * PAGE;
  const directoryBytes = 44 + pages * 32;
  const file = new Uint8Array(codeBytes + 20 + directoryBytes).fill(7, 64, codeBytes);
  const view = new DataView(file.buffer);
  const little = [0xfeedfacf, 0, 0, 2, 1, 16, 0, 0, 0x1d, 16, codeBytes, 20 + directoryBytes];
  little.forEach((word, index) => view.setUint32(index * 4, word, true));
  const directory = codeBytes + 20;
  const superBlob = [0xfade0cc0, 20 + directoryBytes, 1, 0, 20];
  superBlob.forEach((word, index) => view.setUint32(codeBytes + index * 4, word));
  const header = [0xfade0c02, directoryBytes, 0x20400, 0x20002, 44, 0, 0, pages, codeBytes];
  header.forEach((word, index) => view.setUint32(directory + index * 4, word));
  file.set([32, 2, 0, 12], directory + 36);
  for (let page = 0; page < pages; page++) {
    const code = file.subarray(page * PAGE, (page + 1) * PAGE);
    const digest = new Bun.CryptoHasher("sha256").update(code).digest();
    file.set(digest, directory + 44 + page * 32);
  }
  return file;
}

describe("the targets", () => {
  test("are the eight of a release, and at most one of them is this machine", () => {
    expect(new Set(TARGETS.map(({ name }) => name)).size).toBe(8);
    expect(TARGETS.filter(runsHere).length).toBeLessThanOrEqual(1);
  });
});

describe("a signature of macOS", () => {
  test("is sound when every page has its hash", () => {
    const signature = readSignature(signedProgram(3));
    expect(signature).toEqual({ kind: "signed", adHoc: true, pages: 3, wrongPages: 0 });
    expect(isSound(signature)).toBe(true);
  });

  test("is not sound when one byte changed after signing", () => {
    const file = signedProgram(3);
    file[PAGE + 5] = 8;
    const signature = readSignature(file);
    expect(isSound(signature)).toBe(false);
    expect(describeSignature(signature)).toBe("needs re-signing: 1 of 3 page hashes are wrong");
  });

  test("is missed in a file that has none", () => {
    expect(describeSignature(readSignature(new Uint8Array(64)))).toContain("not a Mach-O file");
  });
});

describe("the built program", () => {
  test("leaves no orphans, but on Windows, where nothing could outlive a command", () => {
    const flags = TARGETS.map((target) => [target.os, runtimeFlags(target)]);
    for (const [os, found] of flags) expect(found).toEqual(os === "win32" ? [] : ["--no-orphans"]);
  });

  test("says the version of the package and the commit it was made from", () => {
    expect(smoke(program(), { ...stamp(), commit: "" })).toBe(null);
  });

  test("fails its build when it says anything else", () => {
    const wrong = smoke(program(), { version: "99.0.0", commit: "" });
    expect(wrong).toContain("expected 99.0.0 in it");
  });
});

describe("a release", () => {
  test("has a program and its licences in each archive, which any tar unpacks with their rights", async () => {
    using directory = new TemporaryDirectory();
    const bytes = crypto.getRandomValues(new Uint8Array(1000));
    const programs = [{ target: "linux-x64", file: "mcpd", bytes }];
    const documents = [{ name: "LICENSE", bytes: Buffer.from("Do."), mode: 0o644 }];
    const lines = writeRelease(directory.path, { version: "0.2.0", programs, documents });
    const archive = directory.file("mcpd-linux-x64.tar.gz");
    expect(lines).toEqual([`${sha256(readFileSync(archive))}  mcpd-linux-x64.tar.gz\n`]);
    expect(readFileSync(directory.file("SHA256SUMS"), "utf8")).toBe(lines.join(""));
    expect(await programIn(archive, "mcpd")).toEqual(bytes);
    if (Bun.which("tar") === null) return;
    const tar = Bun.spawnSync(["tar", "-xzf", archive, "-C", directory.path]);
    expect(tar.stderr.toString()).toBe("");
    expect(readFileSync(directory.file("mcpd")).equals(bytes)).toBe(true);
    expect(statSync(directory.file("mcpd")).mode & 0o777).toBe(0o755);
    expect(readFileSync(directory.file("LICENSE"), "utf8")).toBe("Do.");
    expect(statSync(directory.file("LICENSE")).mode & 0o777).toBe(0o644);
  });

  test("is trusted by the keys of the file, without its remarks", () => {
    expect(releaseKeys("# a\nRWQone # of 2026\n\n  RWQtwo\n")).toEqual(["RWQone", "RWQtwo"]);
    expect(releaseKeys("")).toEqual([]);
  });
});
