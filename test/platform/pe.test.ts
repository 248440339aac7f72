import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { subsystemOf, withoutConsole } from "../../src/platform/pe.ts";
import { portableExecutable } from "../helpers/portable-executable.ts";
import { ROOT } from "../helpers/sources.ts";

test("withoutConsole() changes the subsystem and nothing else", () => {
  const program = portableExecutable();
  expect(subsystemOf(program)).toBe("console");
  const copy = withoutConsole(program);
  expect(subsystemOf(copy ?? new Uint8Array())).toBe("windows");
  expect(subsystemOf(program)).toBe("console");
  const differing = program.filter((byte, at) => byte !== copy?.[at]);
  expect(differing).toEqual(new Uint8Array([3]));
  expect(withoutConsole(copy ?? program)).toEqual(copy);
});

test("withoutConsole() knows what is no executable of Windows", () => {
  const whole = portableExecutable();
  const broken = [
    new Uint8Array(),
    new TextEncoder().encode("#!/bin/sh\n".repeat(20)),
    whole.slice(0, 0x40),
    whole.slice(0, 0x80 + 24 + 68 + 1),
    whole.map((byte, at) => (at === 0x80 ? 0 : byte)),
    whole.map((byte, at) => (at === 0x3f ? 0xff : byte)),
  ];
  for (const bytes of broken) {
    expect([subsystemOf(bytes), withoutConsole(bytes)]).toEqual([null, null]);
  }
});

const built = join(ROOT, "dist", "mcpd-windows-x64.exe");
if (existsSync(built)) {
  test("withoutConsole() understands the real program", async () => {
    const program = new Uint8Array(await Bun.file(built).arrayBuffer());
    expect(subsystemOf(program)).toBe("console");
    expect(subsystemOf(withoutConsole(program) ?? new Uint8Array())).toBe("windows");
  });
}
