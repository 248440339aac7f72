import type { Status, UpstreamStatus } from "../../src/control/api.ts";
import type { Condition } from "../../src/core/condition.ts";
import { waitFor } from "../helpers/wait.ts";
import type { Daemon, Home } from "./harness.ts";

/** What `mcpd status --json` tells; null when no daemon runs. */
export async function statusOf(home: Home): Promise<Status | null> {
  const { stdout, exitCode } = await home.run("status", "--json");
  return exitCode === 0 ? JSON.parse(stdout) : null;
}

/** Waits until the status of an upstream is what `fits` wants. */
export async function upstreamOf(
  home: Home,
  name: string,
  fits: (upstream: UpstreamStatus) => boolean = () => true,
): Promise<UpstreamStatus> {
  return await waitFor(`the upstream ${name}`, async () =>
    (await statusOf(home))?.upstreams.find((upstream) => upstream.name === name && fits(upstream)),
  );
}

/** Waits until a condition of that name stands. */
export async function conditionOf(home: Home, name: string): Promise<Condition> {
  return await waitFor(`the condition ${name}`, async () =>
    (await statusOf(home))?.conditions.find((condition) => condition.name === name),
  );
}

/** Waits until all upstreams are up and listed: what is in flight then is the test's own. */
export async function settled(daemon: Daemon): Promise<void> {
  const client = await daemon.connect();
  await client.request("tools/list");
  await client.close();
}
