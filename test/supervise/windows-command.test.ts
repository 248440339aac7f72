import { expect, test } from "bun:test";

import {
  batchCommand,
  isBatchFile,
  outlivingCommand,
} from "../../src/supervise/windows-command.ts";

const NPX = "C:\\Program Files\\nodejs\\npx.cmd";

function lineOf(...args: string[]): string | undefined {
  return batchCommand(NPX, args, "C:\\Windows")?.at(-1);
}

test("isBatchFile() knows what needs cmd.exe", () => {
  expect([NPX, "a.BAT"].every(isBatchFile)).toBe(true);
  expect(["node.exe", "cmd", "a.cmd.exe"].some(isBatchFile)).toBe(false);
});

test("batchCommand() runs cmd.exe of the system, never one found by PATH", () => {
  expect(batchCommand(NPX, ["-y", "pkg@1.0"], "C:\\Windows")).toEqual([
    "C:\\Windows\\System32\\cmd.exe",
    "/e:ON",
    "/v:OFF",
    "/d",
    "/s",
    "/c",
    `""${NPX}" -y pkg@1.0"`,
  ]);
});

test("batchCommand() leaves nothing outside quotes that cmd.exe acts on", () => {
  expect(lineOf("a&calc")).toBe(`""${NPX}" "a&calc""`);
  expect(lineOf('a" & calc & "')).toBe(`""${NPX}" "a"" & calc & """"`);
  expect(lineOf("%PATH%")).toBe(`""${NPX}" "%%cd:~,%PATH%%cd:~,%""`);
  expect(lineOf("")).toBe(`""${NPX}" """`);
  expect(lineOf("C:\\dir\\")).toBe(`""${NPX}" "C:\\dir\\\\""`);
  expect(lineOf('\\"')).toBe(`""${NPX}" "\\\\""""`);
});

test("batchCommand() starts the script at a path that looks like a variable", () => {
  const words = batchCommand("C:\\%PATH%\\npx.cmd", ["-y"], "C:\\Windows");
  expect(words?.at(-1)).toBe(`""C:\\%%cd:~,%PATH%%cd:~,%\\npx.cmd" -y"`);
});

test("batchCommand() refuses what no quoting can carry", () => {
  for (const argument of ["a\nb", "a\rb", "a\0b"])
    expect(batchCommand(NPX, [argument], "C:")).toBeNull();
  expect(batchCommand('evil".cmd', [], "C:")).toBeNull();
});

test("outlivingCommand() has it started by the shell, which does not wait", () => {
  const words = outlivingCommand(
    "C:\\a b\\mcpd.exe",
    ["bootstrap", "--config", "C:\\%x%"],
    "C:\\W",
  );
  expect(words?.slice(0, 1)).toEqual(["C:\\W\\System32\\cmd.exe"]);
  const program = '"C:\\a b\\mcpd.exe"';
  expect(words?.at(-1)).toBe(`"start "" /b ${program} bootstrap --config "C:\\%%cd:~,%x%%cd:~,%""`);
});
