// A version on trial: an install or upgrade tells the server that it starts to answer nobody yet.

import { rmSync } from "node:fs";

import type { Platform } from "../platform/platform.ts";
import { isAlive, readRunning, writeRunning } from "./runtime-file.ts";

type Here = Pick<Platform, "processIdentity"> & {
  readonly paths: Pick<Platform["paths"], "trialFile">;
};

/**
 * From now on a server that starts lets its clients wait, until endTrial() or the end of this
 * process, however that comes. Throws the system's error.
 */
export async function beginTrial({ paths, processIdentity }: Here): Promise<void> {
  const { pid } = process;
  const identity = await processIdentity(pid);
  if (identity !== null) writeRunning(paths.trialFile, { pid, identity });
}

export function endTrial({ paths }: Here): void {
  rmSync(paths.trialFile, { force: true });
}

export async function isOnTrial({ paths, processIdentity }: Here): Promise<boolean> {
  const judge = readRunning(paths.trialFile);
  return judge !== null && (await isAlive(judge, processIdentity));
}
