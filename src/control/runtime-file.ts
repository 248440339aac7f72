import { rmSync } from "node:fs";
import { dirname } from "node:path";

import { ensurePrivateDir, readIfExists, writeFileAtomic } from "../lib/files.ts";

/** A process that can be told from a later one of the same pid. */
export type RunningProcess = {
  readonly pid: number;
  /** Platform.processIdentity of it. */
  readonly identity: string;
};

/** Who runs: for those who find no socket. The bootstrap writes it, 0600, and takes it away. */
export type Runtime = RunningProcess & {
  readonly version: string;
  readonly startedAtMs: number;
  readonly server:
    (RunningProcess & { readonly version: string | null; readonly port: number | null }) | null;
};

/** Writes the file anew. Throws the system's error. */
export function writeRunning(path: string, running: RunningProcess | Runtime): void {
  ensurePrivateDir(dirname(path));
  writeFileAtomic(path, `${JSON.stringify(running, null, 2)}\n`, { durable: false });
}

/** What the file says; null when there is none, or none of ours. Nothing of it is proved yet. */
export function readRunning(path: string): RunningProcess | null {
  try {
    const value = JSON.parse(readIfExists(path) ?? "null") as Partial<RunningProcess> | null;
    const known = Number.isInteger(value?.pid) && typeof value?.identity === "string";
    return known ? (value as RunningProcess) : null;
  } catch {
    return null;
  }
}

/** The same of the runtime file. */
export function readRuntime(path: string): Runtime | null {
  return readRunning(path) as Runtime | null;
}

/** Takes the file away if it is that of `pid`: another bootstrap may have written its own. */
export function removeRuntime(path: string, pid: number): void {
  if (readRunning(path)?.pid === pid) rmSync(path, { force: true });
}

/**
 * True while the very process that wrote the file lives. A pid alone proves nothing: the system
 * gives it to another program.
 */
export async function isAlive(
  process: RunningProcess,
  identityOf: (pid: number) => Promise<string | null>,
): Promise<boolean> {
  return (await identityOf(process.pid)) === process.identity;
}
