import { type Fault, fault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import type { BootstrapDoor } from "./service.ts";

/** Longer than a bootstrap takes to end its server, and itself. */
const END_MS = 20_000;
const LOOK_EVERY_MS = 50;

/** Asks the bootstrap to end, if there is one, and waits until it has. */
export async function endBootstrap(door: BootstrapDoor, clock: Clock): Promise<Fault | null> {
  const pid = await door.pid();
  if (pid === null) return null;
  const deadline = clock.monotonic() + END_MS;
  if (await door.askToStop()) {
    while (clock.monotonic() < deadline) {
      if ((await door.pid()) === null) return null;
      await clock.sleep(LOOK_EVERY_MS);
    }
  }
  return fault("service.failed", `Cannot stop the bootstrap: process ${pid} goes on`);
}
