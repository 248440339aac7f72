import { expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { readRuntime } from "../../src/control/runtime-file.ts";
import { freePort } from "../helpers/port.ts";
import { posixTest } from "../helpers/posix.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Home } from "./harness.ts";
import { nobodyIn, Supervised } from "./supervised.ts";

// Somebody logs in while a daemon runs that was started without a login: its socket is elsewhere.

posixTest("a bootstrap with another socket is found, and a service takes its place", async () => {
  using home = new Home();
  home.writeConfig({ daemon: { port: freePort() } });
  const elsewhere = join(home.path, "elsewhere");
  mkdirSync(elsewhere, { mode: 0o700 });
  await using first = await Supervised.start(null, {
    home,
    env: { XDG_RUNTIME_DIR: elsewhere },
    early: true,
  });
  const { runtimeFile } = home.platform.paths;
  await waitFor("the first", () => readRuntime(runtimeFile)?.server?.version);

  await using second = await Supervised.start(null, { home, early: true });
  expect(await within("the end of the second", second.child.exited)).toBe(75);
  const said = await new Response(second.child.stderr).text();
  expect(said).toContain(`runs already (pid ${first.child.pid}, version `);
  expect(first.child.exitCode).toBeNull();

  await using service = await Supervised.start(null, { home, words: ["--service"] });
  expect(await within("the end of the first", first.child.exited)).toBe(0);
  expect((await service.until(({ server }) => server.urls !== null)).conditions).toEqual([]);
  expect(await service.stop()).toBe(0);
  await nobodyIn(home);
});
