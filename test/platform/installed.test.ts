import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";

import {
  freeBytes,
  isInGroup,
  isInside,
  parsePrograms,
  processesIn,
} from "../../src/platform/installed.ts";
import { moveAside, removal } from "../../src/platform/remove-later.ts";
import { RegistryPath } from "../../src/platform/user-path.ts";
import { linuxTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

const WINDOWS = { SystemRoot: "C:\\Windows" };

test("a table of processes is read with spaces in its paths", () => {
  const output = "  12 /Users/a b/mcpd\n 7 C:\\Program Files\\mcpd.exe\r\n\nnoise\n";
  expect(parsePrograms(output)).toEqual([
    { pid: 12, program: "/Users/a b/mcpd" },
    { pid: 7, program: "C:\\Program Files\\mcpd.exe" },
  ]);
});

linuxTest("processes are those of the directory, but for the one that asks", async () => {
  const folder = process.execPath.slice(0, process.execPath.lastIndexOf("/"));
  const child = Bun.spawn([process.execPath, "-e", "await Bun.stdin.text()"], { stdin: "pipe" });
  try {
    const found = await processesIn({ name: "linux" }, folder, {});
    expect(found).toContain(child.pid);
    expect(found).not.toContain(process.pid);
    expect(await processesIn({ name: "linux" }, folder.slice(0, -1), {})).not.toContain(child.pid);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});

test("a program is in a directory however Windows spells the two", () => {
  const windows = { name: "windows" } as const;
  expect(isInside("c:\\USERS\\Zoë\\mcpd.exe", "C:\\Users\\zoë", windows)).toBe(true);
  expect(isInside("C:\\Users\\Zoëy\\mcpd.exe", "C:\\Users\\Zoë", windows)).toBe(false);
  expect(isInside("/Opt/mcpd", "/opt", { name: "linux" })).toBe(false);
  expect(isInside("/opt/mcpd", "/opt/", { name: "darwin" })).toBe(true);
});

test("a process of the service is known by its control group", () => {
  const group = (path: string): string => `0::/user.slice/user-1000.slice/${path}\n`;
  expect(isInGroup(group("app.slice/mcpd.service"), "mcpd.service")).toBe(true);
  expect(isInGroup(group("app.slice/mcpd.service/sub"), "mcpd.service")).toBe(true);
  expect(isInGroup(group("app.slice/mcpd.service"), "mcpd")).toBe(true);
  expect(isInGroup(group("app.slice/other-mcpd.service"), "mcpd.service")).toBe(false);
  expect(isInGroup("", "mcpd.service")).toBe(false);
});

test("a disk that does not tell is no full one", () => {
  expect(freeBytes("/nowhere/at/all")).toBeNull();
  expect(freeBytes(import.meta.dir)).toBeGreaterThan(0);
});

test("PATH of Windows is read and written with its references, in any language", async () => {
  const value = "%USERPROFILE%\\bin;C:\\Users\\Jürgen\\☕";
  const ran: (readonly string[])[] = [];
  const path = new RegistryPath(WINDOWS, async (argv) => {
    ran.push(argv);
    return `[${Buffer.from(value, "utf16le").toString("base64")}]\r\n`;
  });
  expect(await path.read()).toBe(value);
  await path.write("C:\\a");
  expect(ran[1]).toEqual([
    "C:\\Windows\\System32\\reg.exe",
    "add",
    "HKCU\\Environment",
    "/v",
    "Path",
    "/t",
    "REG_EXPAND_SZ",
    "/d",
    "C:\\a",
    "/f",
  ]);
});

test("PATH of Windows that cannot be read is never taken for an empty one", async () => {
  for (const output of [null, "", "not base64"]) {
    const path = new RegistryPath(WINDOWS, async () => output);
    await expect(path.read()).rejects.toThrow("Cannot read your PATH");
  }
  const refused = new RegistryPath(WINDOWS, async () => null);
  await expect(refused.write("C:\\a")).rejects.toThrow("Cannot write your PATH");
});

test("what runs on Windows is removed by a helper with the system's own programs", () => {
  expect(removal(WINDOWS, ["C:\\T\\a b.old"])).toEqual([
    "C:\\Windows\\System32\\cmd.exe",
    "/d",
    "/s",
    "/c",
    // cmd.exe takes the outer quotes off, and no others; what has a caret is for the second one.
    '"start "" /b C:\\Windows\\System32\\cmd.exe /d /c for /l %n in (1,1,10) do ' +
      "C:\\Windows\\System32\\PING.EXE -n 2 127.0.0.1 ^>nul " +
      '^& del /f /q "C:\\T\\a b.old" ^& rd /s /q "C:\\T\\a b.old""',
  ]);
});

test("what runs on Windows steps aside into the first folder that takes it", () => {
  using directory = new TemporaryDirectory();
  const program = directory.file("mcpd.exe");
  writeFileSync(program, "");
  const aside = moveAside(program, [directory.file("nowhere"), directory.path]);
  expect(aside).toStartWith(directory.path);
  expect([existsSync(program), existsSync(aside)]).toEqual([false, true]);
  expect(() => moveAside(aside, [directory.file("nowhere")])).toThrow("ENOENT");
});
