import { expect, test } from "bun:test";

import { parseStat } from "../../src/platform/linux.ts";
import { parsePs, type ProcessRow, treeUsage } from "../../src/platform/ps.ts";
import { parseProcessTable } from "../../src/platform/windows.ts";

test("parsePs() reads sizes in KiB and times of every length", () => {
  const output = ["  1     0     1   100  0:01.50", "42 1 42 2048 1-02:03:04", "", "7 1"].join(
    "\n",
  );
  expect(parsePs(output)).toEqual([
    { pid: 1, parent: 0, group: 1, residentBytes: 102_400, cpuMs: 1500 },
    { pid: 42, parent: 1, group: 42, residentBytes: 2_097_152, cpuMs: 93_784_000 },
  ]);
});

test("parseProcessTable() reads what PowerShell prints", () => {
  expect(parseProcessTable("4 0 8192 20000\r\n\r\n")).toEqual([
    { pid: 4, parent: 0, group: 0, residentBytes: 8192, cpuMs: 2 },
  ]);
});

test("parseStat() is not fooled by a program's name", () => {
  const rest = "S 1 77 77 0 -1 4194560 1 0 0 0 12 8 0 0 20 0 1 0 5555 1000 25";
  expect(parseStat(`123 (evil) R 9 9 (x) ${rest}`, 4096)).toEqual({
    pid: 123,
    state: "S",
    parent: 1,
    group: 77,
    cpuMs: 200,
    startTicks: 5555,
    residentBytes: 25 * 4096,
  });
  expect(parseStat("garbage", 4096)).toBeNull();
});

test("treeUsage() adds a process and its descendants up, also in a table with a loop", () => {
  const row = (pid: number, parent: number): ProcessRow => ({
    pid,
    parent,
    group: 0,
    residentBytes: 10,
    cpuMs: 1,
  });
  const table = [row(1, 3), row(2, 1), row(3, 2), row(9, 8)];
  expect(treeUsage(table, 1)).toEqual({ residentBytes: 30, cpuMs: 3 });
  expect(treeUsage(table, 5)).toBeNull();
});
