import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { posixTest } from "../helpers/posix.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";

// The file by which others find the daemon (MISSION A12).

test("is there while the daemon listens, and leaves nothing behind", async () => {
  using home = new Home();
  const daemon = await Daemon.start({}, { home });
  const file = home.platform.paths.announcementFile;
  const text = readFileSync(file, "utf8");
  const about = JSON.parse(text);
  expect(about).toMatchObject({ name: "mcpd", url: daemon.urls.mcp, health: daemon.urls.health });
  expect(await (await fetch(about.health)).json()).toMatchObject({ version: about.version });
  expect(text).not.toContain(daemon.key);
  home.writeConfig({ daemon: { enabled: false } });
  await waitFor("the file to go with the switch", () => !existsSync(file));
  home.writeConfig({});
  await waitFor("the file to come back", () => existsSync(file));
  await daemon.stop();
  expect(existsSync(dirname(dirname(file)))).toBe(false);
});

posixTest("is private, and nothing else in its directory is touched", async () => {
  using home = new Home();
  const file = home.platform.paths.announcementFile;
  const other = join(dirname(file), "other.json");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(other, "{}");
  const daemon = await Daemon.start({}, { home });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await daemon.stop();
  expect([existsSync(file), existsSync(other)]).toEqual([false, true]);
});
