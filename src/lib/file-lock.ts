import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";

import type { Clock } from "./clock.ts";
import { errorCode } from "./files.ts";

/** Whoever holds a lock for longer has died with it. */
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
  while (!taken(path)) {
    if (!dropStale(path, clock)) await clock.sleep(LOOK_EVERY_MS);
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

/** Moved away before it is removed: of two who find it stale, one alone can move it. */
function dropStale(path: string, clock: Clock): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return true;
  if (clock.now() - found.mtimeMs < STALE_MS) return false;
  const aside = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  rmSync(aside, { force: true });
  return true;
}
