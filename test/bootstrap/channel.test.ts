import { expect, test } from "bun:test";

import { ControlClient } from "../../src/control/client.ts";
import type { BootstrapApi, BootstrapStatus } from "../../src/control/supervision.ts";
import { Bench } from "../cli/bench.ts";
import { freePort } from "../helpers/port.ts";
import { isAlive } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";

async function statusOf(bench: Bench): Promise<BootstrapStatus | null> {
  try {
    const client = await ControlClient.connect<BootstrapApi>(bench.paths.bootstrapAddress);
    return await client.request("mcpd/bootstrap", {}).finally(() => client.close());
  } catch {
    return null;
  }
}

// From source, where the runtime does not end the children of a process that was killed.
test("a server leaves in order when the channel to its bootstrap closes", async () => {
  using bench = new Bench();
  const config = bench.paths.configFile;
  await Bun.write(config, JSON.stringify({ daemon: { port: freePort() } }));
  const bootstrap = bench.start(["bootstrap", "--quiet"], { MCPD_ALLOW_ROOT: "1" });
  const status = await waitFor("the server", async () => {
    const now = await statusOf(bench);
    return now?.server.state === "ready" && now;
  });
  const pid = status.server.pid ?? 0;
  expect(status.pid).toBe(bootstrap.pid);
  bootstrap.kill("SIGKILL");
  await bootstrap.exited;
  await waitFor("the server to leave", () => !isAlive(pid));
  expect((await bench.run(["logs"])).stdout).toContain(" - stopped");
});
