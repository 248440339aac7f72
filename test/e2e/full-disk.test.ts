import { expect, test } from "bun:test";

import { Disk } from "../../scripts/chaos/disk.ts";
import { freePort } from "../helpers/port.ts";
import { fixture } from "../helpers/program.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
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

if (canMount()) {
  test("a session goes on after a stop and a start on a full disk", () => goesOn("stop"));
  test("a session goes on after a kill -9 and a start on a full disk", () => goesOn("kill"));
}
