import { type Fault, fault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { until } from "../lib/until.ts";
import type { BootstrapDoor } from "./service.ts";

/** Longer than a bootstrap takes to end its server, and itself. */
const END_MS = 20_000;
const LOOK_EVERY_MS = 50;

/** Asks the bootstrap to end, if there is one, and waits until it has. */
export async function endBootstrap(door: BootstrapDoor, clock: Clock): Promise<Fault | null> {
  const pid = await door.pid();
  if (pid === null) return null;
  const patience = { patienceMs: END_MS, pollMs: LOOK_EVERY_MS };
  const agreed = await door.askToStop();
  if (agreed && (await until(clock, patience, async () => (await door.pid()) === null)))
    return null;
  return fault("service.failed", `Cannot stop the bootstrap: process ${pid} goes on`);
}
