import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";

import { Disk } from "../../scripts/chaos/disk.ts";
import { freePort } from "../helpers/port.ts";
import { fixture } from "../helpers/program.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";

/** Whether this machine lets us have a disk to fill: Linux does, as root. */
function canMount(): boolean {
  using directory = new TemporaryDirectory();
  const disk = Disk.mount(directory.path);
  if (typeof disk === "string") return false;
  disk[Symbol.dispose]();
  return true;
}

async function goesOn(end: "stop" | "kill"): Promise<void> {
  using home = new Home();
  const disk = Disk.mount(home.path);
  if (typeof disk === "string") throw new Error(disk);
  using _disk = disk;
  home.writeConfig({ mcpServers: { echo: fixture("echo.ts") } });
  const port = freePort();
  const first = await Daemon.start(null, { home, port });
  const client = await first.connect("echo");
  // An orderly end makes room for itself: the disk is full when the next daemon comes.
  if (end === "kill") disk.fill();
  await first[end]();
  expect(disk.fill()).toBe(true);
  await using second = await Daemon.start(null, { home, port });
  expect(await client.call("echo", { text: "on" })).toBe("on");
  disk.empty();
  expect(await second.health()).toMatchObject({ status: "healthy" });
}

async function outlivesReadOnly(): Promise<void> {
  using home = new Home();
  const { dataDir } = home.platform.paths;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const disk = Disk.mount(dataDir);
  if (typeof disk === "string") throw new Error(disk);
  using _disk = disk;
  const port = freePort();
  const first = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } }, { home, port });
  const early = await first.connect("echo");
  await first.stop();
  disk.setWritable(false);
  await using second = await Daemon.start(null, { home, port });
  expect(await early.call("echo", { text: "on" })).toBe("on");
  const late = await second.connect("echo");
  expect(await second.health()).toMatchObject({ status: "degraded" });
  disk.setWritable(true);
  await waitFor("what was owed to be written", async () => {
    await second.connect("echo");
    return (await second.health())["status"] === "healthy";
  });
  await second.kill();
  await using _third = await Daemon.start(null, { home, port });
  expect(await late.call("echo", { text: "late" })).toBe("late");
}

if (canMount()) {
  test("a session outlives a disk that is read-only for a while", outlivesReadOnly);
  test("a session goes on after a stop and a start on a full disk", () => goesOn("stop"));
  test("a session goes on after a kill -9 and a start on a full disk", () => goesOn("kill"));
}
