import { rmSync } from "node:fs";
import { dirname } from "node:path";

import type { Clock } from "../lib/clock.ts";
import { ensurePrivateDir, errorCode, readIfExists, writeFileAtomic } from "../lib/files.ts";
import { until } from "../lib/until.ts";

const LOOK_EVERY_MS = 20;

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

/** Asks a process to end and waits until it has; false when it has not within its time. */
export async function terminate(
  running: RunningProcess,
  identityOf: (pid: number) => Promise<string | null>,
  clock: Clock,
  patienceMs: number,
): Promise<boolean> {
  try {
    process.kill(running.pid, "SIGTERM");
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
  const gone = async (): Promise<boolean> => !(await isAlive(running, identityOf));
  return await until(clock, { patienceMs, pollMs: LOOK_EVERY_MS }, gone);
}
