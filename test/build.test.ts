import { describe, expect, test } from "bun:test";

import { stamp } from "../build/compile.ts";
import { describeSignature, isSound, readSignature } from "../build/macho.ts";
import { runsHere, smoke } from "../build/smoke.ts";
import { TARGETS } from "../build/targets.ts";
import { program } from "./helpers/program.ts";

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
  test("says the version of the package and the commit it was made from", () => {
    expect(smoke(program(), { ...stamp(), commit: "" })).toBe(null);
  });

  test("fails its build when it says anything else", () => {
    const wrong = smoke(program(), { version: "99.0.0", commit: "" });
    expect(wrong).toContain("expected 99.0.0 in it");
  });
});
