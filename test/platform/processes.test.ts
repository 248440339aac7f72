import { expect, test } from "bun:test";

import { pickPlatform } from "../../src/platform/pick.ts";
import { ownProcesses, parseCommands } from "../../src/platform/processes.ts";

test("our own process is among those of this user, with its command line and size", async () => {
  const found = await ownProcesses(pickPlatform(process.env).name, process.env);
  const us = found?.find(({ pid }) => pid === process.pid);
  expect(us?.command).toContain("test");
  expect(us?.parent).toBe(process.ppid);
  expect(us?.residentBytes).toBeGreaterThan(1_000_000);
});

test("reads what ps and Windows print", () => {
  expect(parseCommands("  7     1  2048 /bin/sh -c  x y\n\n", 1024)).toEqual([
    { pid: 7, parent: 1, residentBytes: 2_097_152, command: "/bin/sh -c  x y" },
  ]);
  expect(parseCommands('8 7 4096 "C:\\x y\\mcpd.exe" serve\r\n4 0 12 \r\n', 1)).toEqual([
    { pid: 8, parent: 7, residentBytes: 4096, command: '"C:\\x y\\mcpd.exe" serve' },
  ]);
  expect(parseCommands(null, 1)).toBeNull();
});
