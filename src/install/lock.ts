import { Database } from "bun:sqlite";
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault, FaultError } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { errorCode, readIfExists, writeFileAtomic } from "../lib/files.ts";
import { makeDirectory, removeEmpty } from "./place.ts";
import { faultOfSystem, type Undo } from "./steps.ts";

const LOOK_EVERY_MS = 50;
const PRIVATE_DIRECTORY = 0o700;

/**
 * Runs `action` while no other install, upgrade or uninstall of this copy does. The lock is one of
 * SQLite on an empty file: the system lets go of it when its holder dies, however it dies. Waits up
 * to `patienceMs`, then gives install.busy with the holder's process id. Neither the file nor a
 * directory that has nothing else in it is left.
 */
export async function withInstallLock<T>(
  lockFile: string,
  clock: Clock,
  action: () => Promise<T>,
  patienceMs = 3_000,
): Promise<T | Fault> {
  const holderFile = `${lockFile}-holder`;
  const deadline = clock.monotonic() + patienceMs;
  let held: Database | null = null;
  let leave: Undo | null = null;
  try {
    for (;;) {
      leave = makeDirectory(dirname(lockFile), PRIVATE_DIRECTORY) ?? leave;
      held = take(lockFile);
      if (held !== null) break;
      if (clock.monotonic() >= deadline) return busy(holderFile);
      await clock.sleep(LOOK_EVERY_MS);
    }
    writeFileAtomic(holderFile, `${process.pid}\n`, { durable: false });
  } catch (error) {
    held?.close();
    await leave?.();
    return faultOfSystem(error, `lock ${lockFile}`);
  }
  try {
    return await action();
  } finally {
    rmSync(holderFile, { force: true });
    // While it is held: afterwards it may be the next one's. Windows removes no open file.
    const removed = isRemoved(lockFile);
    held.close();
    if (!removed) isRemoved(lockFile);
    removeEmpty(dirname(lockFile));
    await leave?.();
  }
}

/** Null while somebody else has it. */
function take(lockFile: string): Database | null {
  closeSync(openSync(lockFile, "a", 0o600));
  const before = inodeOf(lockFile);
  const database = new Database(lockFile);
  try {
    database.run("BEGIN EXCLUSIVE");
    // Whoever had it may have removed the file: then we have locked one that nobody else sees.
    if (before !== null && inodeOf(lockFile) === before) return database;
    database.close();
    return null;
  } catch (error) {
    database.close();
    if (errorCode(error) === "SQLITE_BUSY") return null;
    const why = error instanceof Error ? error.message : String(error);
    const text = `Cannot lock ${lockFile}: ${why}`;
    throw new FaultError(fault("file.failed", text, lockFile));
  }
}

function isRemoved(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}

function inodeOf(path: string): bigint | null {
  return statSync(path, { throwIfNoEntry: false, bigint: true })?.ino ?? null;
}

function busy(holderFile: string): Fault {
  const pid = readIfExists(holderFile)?.trim() ?? "";
  const who = pid === "" ? "it does not say which process it is" : `process ${pid} is at it`;
  return fault("install.busy", `Another install, upgrade or uninstall is at work: ${who}`);
}
