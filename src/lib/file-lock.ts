import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

import type { Clock } from "./clock.ts";
import { errorCode } from "./files.ts";

/** Whoever is seen to hold a lock for longer has died with it, and its pid is somebody else's. */
const STALE_MS = 60_000;
const LOOK_EVERY_MS = 25;

/**
 * Runs `action` while nobody else does, in this process or another: `path` is a file that exists as
 * long as somebody is at it. Its directory must be there. Throws the system's error when the file
 * cannot be made.
 */
export async function withFileLock<T>(
  path: string,
  clock: Clock,
  action: () => Promise<T>,
): Promise<T> {
  let seen = { mtimeMs: 0, sinceMs: 0 };
  while (!taken(path)) {
    const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (mtimeMs === undefined) continue;
    // The time of day may be set meanwhile: only time that has passed here counts.
    if (mtimeMs !== seen.mtimeMs) seen = { mtimeMs, sinceMs: clock.monotonic() };
    if (clock.monotonic() - seen.sinceMs >= STALE_MS || isOrphan(path)) drop(path);
    else await clock.sleep(LOOK_EVERY_MS);
  }
  try {
    return await action();
  } finally {
    rmSync(path, { force: true });
  }
}

function taken(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** True when the process that wrote its pid into the file has ended. */
function isOrphan(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    // A file that was made just now may be empty still.
    return pid > 0 && !process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === "ESRCH";
  }
}

/** Moved away before it is removed: of two who find it stale, one alone can move it. */
function drop(path: string): void {
  const aside = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  rmSync(aside, { force: true });
}
