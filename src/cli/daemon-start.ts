import { type Fault, fault, isFault } from "../core/fault.ts";
import { inForce, openConfig } from "./config-file.ts";
import { ensureBootstrap, untilReady } from "./supervised.ts";
import { switchedOff } from "./switched-off.ts";

/** How long a daemon that is started on demand may take. */
const START_MS = 10_000;

/**
 * Starts a daemon that outlives us, if the config allows it, and resolves once it serves. The fault
 * says why there is none. When two are started at once, the socket lets one of them live.
 */
export async function startDaemon(config: string | undefined): Promise<Fault | null> {
  const file = openConfig(config);
  const off = switchedOff(file);
  if (off !== null) return off;
  if (!inForce(file).daemon.autoStart) return missing("the config has daemon.auto_start off");
  const problem = await ensureBootstrap(config);
  if (problem !== null) return problem;
  const ready = await untilReady(START_MS);
  // Somebody runs one in a terminal: it is as good.
  return isFault(ready) && ready.code !== "daemon.running" ? ready : null;
}

function missing(why: string): Fault {
  return fault("daemon.unreachable", `The daemon is not running: ${why}`);
}
