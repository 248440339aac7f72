import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { readElf } from "../../build/elf.ts";
import { inspect } from "../../build/inspect.ts";
import { readPe } from "../../build/pe.ts";
import { runsHere } from "../../build/smoke.ts";
import { type Target, TARGETS } from "../../build/targets.ts";
import { program } from "../helpers/program.ts";

type ElfOptions = {
  readonly machine?: number;
  readonly interpreter?: string;
  readonly libraries?: readonly string[];
  readonly versions?: readonly string[];
};

const ADDRESS = 0x400000;
const AT = { segments: 64, dynamic: 512, versions: 1024, strings: 2048 };

/** An ELF file that has only what a loader looks at first. */
function elf({
  machine = 62,
  interpreter = "/lib64/ld-linux-x86-64.so.2",
  libraries = ["libc.so.6"],
  versions = ["GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.3.4"],
}: ElfOptions): Uint8Array {
  const file = new Uint8Array(4096);
  const view = new DataView(file.buffer);
  const names = new Map<string, number>();
  let end = 1;
  for (const text of [interpreter, ...libraries, ...versions]) {
    names.set(text, end);
    file.set(new TextEncoder().encode(text), AT.strings + end);
    end += text.length + 1;
  }
  const name = (text: string): number => names.get(text) ?? 0;
  const wide = (offset: number, value: number): void =>
    view.setBigUint64(offset, BigInt(value), true);
  view.setUint32(0, 0x7f454c46);
  view.setUint16(4, 0x0201);
  view.setUint16(18, machine, true);
  wide(32, AT.segments);
  view.setUint16(54, 56, true);
  view.setUint16(56, 3, true);
  const segment = (index: number, type: number, offset: number, bytes: number): void => {
    const at = AT.segments + index * 56;
    view.setUint32(at, type, true);
    [offset, ADDRESS + offset, ADDRESS + offset, bytes].forEach((value, field) =>
      wide(at + 8 + field * 8, value),
    );
  };
  const dynamic: (readonly [number, number])[] = [
    ...libraries.map((library) => [1, name(library)] as const),
    [5, ADDRESS + AT.strings],
    [0x6ffffffe, ADDRESS + AT.versions],
  ];
  segment(0, 1, 0, file.length);
  segment(1, 2, AT.dynamic, dynamic.length * 16);
  segment(2, 3, AT.strings + name(interpreter), interpreter.length + 1);
  dynamic.forEach(([tag, value], index) => {
    wide(AT.dynamic + index * 16, tag);
    wide(AT.dynamic + index * 16 + 8, value);
  });
  // Two libraries' lists, so that both chains are followed.
  const lists = [versions.slice(0, 1), versions.slice(1)];
  let at = AT.versions;
  lists.forEach((list, index) => {
    const bytes = 16 + list.length * 16;
    view.setUint16(at + 2, list.length, true);
    view.setUint32(at + 8, 16, true);
    view.setUint32(at + 12, index + 1 < lists.length ? bytes : 0, true);
    list.forEach((version, entry) => {
      view.setUint32(at + 16 + entry * 16 + 8, name(version), true);
      view.setUint32(at + 16 + entry * 16 + 12, 16, true);
    });
    at += bytes;
  });
  return file;
}

function pe(machine: number, subsystem: number): Uint8Array {
  const file = new Uint8Array(512);
  const view = new DataView(file.buffer);
  view.setUint16(0, 0x5a4d, true);
  view.setUint32(60, 128, true);
  view.setUint32(128, 0x4550, true);
  view.setUint16(132, machine, true);
  view.setUint16(128 + 24 + 68, subsystem, true);
  return file;
}

function target(name: string): Target {
  const found = TARGETS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no target ${name}`);
  return found;
}

describe("an executable of Linux", () => {
  test("says what it needs", () => {
    expect(readElf(elf({ libraries: ["libc.so.6", "libm.so.6"] }))).toEqual({
      arch: "x64",
      interpreter: "/lib64/ld-linux-x86-64.so.2",
      libraries: ["libc.so.6", "libm.so.6"],
      versions: ["GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.3.4"],
    });
  });

  test("is good when it needs what every system has", () => {
    const good = inspect(target("linux-x64"), elf({}));
    expect(good).toEqual({ verdict: "good", text: "needs glibc 2.17" });
  });

  test.each([
    ["a newer glibc", { versions: ["GLIBC_2.2.5", "GLIBC_2.34"] }, "needs glibc 2.34"],
    ["another library", { libraries: ["libc.so.6", "libssl.so.3"] }, "needs libssl.so.3"],
    ["another processor", { machine: 183 }, "is for arm64"],
    ["musl", { interpreter: "/lib/ld-musl-x86_64.so.1" }, "is loaded by /lib/ld-musl"],
  ])("is refused when it needs %s", (_name, options, said) => {
    const { verdict, text } = inspect(target("linux-x64"), elf(options));
    expect(verdict).toBe("failed");
    expect(text).toContain(said);
  });

  test("needs musl and libstdc++ in the builds for musl", () => {
    const musl = elf({
      interpreter: "/lib/ld-musl-x86_64.so.1",
      libraries: ["libstdc++.so.6", "libc.musl-x86_64.so.1"],
      versions: [],
    });
    expect(inspect(target("linux-x64-musl"), musl).verdict).toBe("good");
    expect(inspect(target("linux-x64"), musl).verdict).toBe("failed");
  });

  test("is not what begins like a script", () => {
    expect(inspect(target("linux-x64"), new Uint8Array(64)).text).toBe("is no ELF file");
  });
});

describe("an executable of Windows", () => {
  test("says its processor and whether it has a terminal", () => {
    expect(readPe(pe(0x8664, 3))).toEqual({ arch: "x64", subsystem: "console" });
    expect(readPe(pe(0xaa64, 2))).toEqual({ arch: "arm64", subsystem: "window" });
    expect(readPe(new Uint8Array(512))).toBe(null);
  });

  test("is refused without a terminal, and for another processor", () => {
    expect(inspect(target("windows-x64"), pe(0x8664, 3)).verdict).toBe("good");
    expect(inspect(target("windows-x64"), pe(0x8664, 2)).text).toBe("has the subsystem window");
    expect(inspect(target("windows-x64"), pe(0xaa64, 3)).text).toBe("is for arm64");
  });
});

describe("the program built for this machine", () => {
  test("passes, and passes for no other machine", () => {
    const file = readFileSync(program());
    const passed = TARGETS.filter((one) => inspect(one, file).verdict === "good");
    const system = TARGETS.filter(runsHere).map(({ os }) => os);
    // A signature of macOS does not tell for which processor it is.
    const names = passed.filter(({ os }) => os !== "darwin" || !system.includes(os));
    expect(names).toEqual(TARGETS.filter(runsHere).filter(({ os }) => os !== "darwin"));
  });
});
