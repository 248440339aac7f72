import { isAlive, readRuntime, terminate } from "../control/runtime-file.ts";
import { type Fault, fault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import type { Platform } from "../platform/platform.ts";

/** Longer than a bootstrap takes to end its server, and itself. */
const END_MS = 20_000;

/**
 * A bootstrap of this user that listens elsewhere: where a socket is depends on whether somebody is
 * logged in, and it can be removed. There is room for one: a service ends the other, anybody else
 * gets the fault that names it.
 */
export async function makeRoom(
  { paths, processIdentity }: Pick<Platform, "paths" | "processIdentity">,
  clock: Clock,
  service: boolean,
): Promise<Fault | null> {
  const rival = readRuntime(paths.runtimeFile);
  if (rival === null || !(await isAlive(rival, processIdentity))) return null;
  const { pid, version } = rival;
  const text = `Cannot start: a bootstrap of this user runs already (pid ${pid}, version ${version})`;
  if (!service) return fault("daemon.running", `${text}, on another socket`, String(pid));
  if (await terminate(rival, processIdentity, clock, END_MS)) return null;
  return fault("daemon.running", `${text}, and does not end`, String(pid));
}
