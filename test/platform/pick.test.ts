import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { pickPlatform } from "../../src/platform/pick.ts";
import { posixTest } from "../helpers/posix.ts";

const platform = pickPlatform(process.env);
const posix = platform.name !== "windows";
const FIXTURE = "../fixtures/process/stubborn.ts";

/** A shell that waits, in a group of its own, with a child that waits too. */
function start(script: string): Bun.Subprocess<"ignore", "pipe"> {
  return Bun.spawn(["/bin/sh", "-c", script], {
    stdin: "ignore",
    stdout: "pipe",
    detached: true,
  });
}

async function said(child: Bun.Subprocess<"ignore", "pipe">): Promise<string> {
  const { value } = await child.stdout.getReader().read();
  return new TextDecoder().decode(value).trim();
}

describe("the platform of this machine", () => {
  test("identifies a process by its start, the same each time", async () => {
    const identity = await platform.processIdentity(process.pid);
    expect(identity).toBeString();
    expect(await platform.processIdentity(process.pid)).toBe(identity);
  });

  test("finds a command by the PATH given, and by nothing else", () => {
    const command = posix ? "sh" : "cmd";
    expect(platform.which(command, process.env["PATH"] ?? "")).toBeString();
    expect(platform.which(command, import.meta.dir)).toBeNull();
    expect(platform.which(process.execPath, "")).toBe(process.execPath);
  });

  test("tells what this process costs", async () => {
    const usage = await platform.usage(process.pid);
    expect(usage?.residentBytes).toBeGreaterThan(1024 * 1024);
  });

  posixTest("counts descendants into the cost", async () => {
    const child = start("sleep 600 & sleep 600 & echo up; wait");
    await said(child);
    const whole = await platform.usage(child.pid);
    const alone = await platform.usage(process.pid);
    expect(whole?.residentBytes).toBeGreaterThan(0);
    expect(alone?.residentBytes).toBeGreaterThan(whole?.residentBytes ?? 0);
    await platform.signalTree(child.pid, "kill");
    await child.exited;
  });

  posixTest("signals a whole group and knows when it is gone", async () => {
    const child = start("sleep 600 & echo $!; wait");
    const grandchild = Number(await said(child));
    expect(platform.treeAlive(child.pid)).toBe(true);
    process.kill(child.pid, "SIGKILL");
    await child.exited;
    expect(platform.treeAlive(child.pid)).toBe(true);
    expect(await platform.processIdentity(child.pid)).toBeNull();
    await platform.signalTree(child.pid, "terminate");
    while (platform.treeAlive(child.pid)) await Bun.sleep(2);
    expect(await platform.processIdentity(grandchild)).toBeNull();
    await platform.signalTree(child.pid, "kill");
  });

  posixTest("finds a variable in the environment of a group", async () => {
    // Not a shell: macOS does not show the environment of its own programs.
    const child = Bun.spawn([process.execPath, join(import.meta.dir, FIXTURE)], {
      stdin: "ignore",
      stdout: "pipe",
      detached: true,
      env: { ...process.env, MCPD_TEST_MARK: "abc" },
    });
    await said(child);
    expect(await platform.groupCarries(child.pid, "MCPD_TEST_MARK", "abc")).toBe(true);
    expect(await platform.groupCarries(child.pid, "MCPD_TEST_MARK", "ab")).toBe(false);
    await platform.signalTree(child.pid, "kill");
    await child.exited;
  });
});
