import { expect, test } from "bun:test";

import { pickPlatform } from "../../src/platform/pick.ts";
import { ownProcesses, parseCommands, proportionalBytes } from "../../src/platform/processes.ts";

test("our own process is among those of this user, with its command line and size", async () => {
  const found = await ownProcesses(pickPlatform(process.env).name, process.env);
  const us = found?.find(({ pid }) => pid === process.pid);
  expect(us?.command).toContain("test");
  expect(us?.parent).toBe(process.ppid);
  expect(us?.residentBytes).toBeGreaterThan(1_000_000);
});

if (process.platform === "linux") {
  test("what processes share is divided among them", async () => {
    const found = (await ownProcesses("linux", process.env)) ?? [];
    const resident = found.find(({ pid }) => pid === process.pid)?.residentBytes ?? 0;
    await using other = Bun.spawn([process.execPath, "-e", "await Bun.sleep(60_000)"]);
    const [own, others] = [proportionalBytes(process.pid), proportionalBytes(other.pid)];
    expect(own).toBeGreaterThan(1_000_000);
    expect(own).toBeLessThan(resident);
    expect(others).toBeGreaterThan(0);
    expect(proportionalBytes(2 ** 22 + 1)).toBeNull();
  });
}

test("reads what ps and Windows print", () => {
  expect(parseCommands("  7     1  2048 /bin/sh -c  x y\n\n", 1024)).toEqual([
    { pid: 7, parent: 1, residentBytes: 2_097_152, command: "/bin/sh -c  x y" },
  ]);
  expect(parseCommands('8 7 4096 "C:\\x y\\mcpd.exe" serve\r\n4 0 12 \r\n', 1)).toEqual([
    { pid: 8, parent: 7, residentBytes: 4096, command: '"C:\\x y\\mcpd.exe" serve' },
  ]);
  expect(parseCommands(null, 1)).toBeNull();
});
