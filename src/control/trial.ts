// A version on trial: an install or upgrade tells the server that it starts to answer nobody yet.

import { rmSync, statSync } from "node:fs";

import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { isAlive, readRunning, writeRunning } from "./runtime-file.ts";

type Here = Pick<Platform, "processIdentity"> & {
  readonly paths: Pick<Platform["paths"], "trialFile">;
};

/**
 * From now on a server that starts lets its clients wait, until endTrial() or the end of this
 * process, however that comes, but not for ever: it may be suspended. Throws the system's error.
 */
export async function beginTrial({ paths, processIdentity }: Here): Promise<void> {
  const { pid } = process;
  const identity = await processIdentity(pid);
  if (identity !== null) writeRunning(paths.trialFile, { pid, identity });
}

export function endTrial({ paths }: Here): void {
  rmSync(paths.trialFile, { force: true });
}

export async function isOnTrial({ paths, processIdentity }: Here, clock: Clock): Promise<boolean> {
  const judge = readRunning(paths.trialFile);
  if (judge === null) return false;
  const began = statSync(paths.trialFile, { throwIfNoEntry: false });
  if (began === undefined) return false;
  // A clock that was set back must not prolong it.
  if (Math.abs(clock.now() - began.mtimeMs) >= LIMITS.trialMs) return false;
  return await isAlive(judge, processIdentity);
}
