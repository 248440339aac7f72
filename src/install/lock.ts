import { rmSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault, FaultError } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { errorCode, readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import { ProcessLock } from "../lib/process-lock.ts";
import { makeDirectory, removeEmpty } from "./place.ts";
import { faultOfSystem, type Undo } from "./steps.ts";

const LOOK_EVERY_MS = 50;
const PRIVATE_DIRECTORY = 0o700;

/**
 * Runs `action` while no other install, upgrade or uninstall of this copy does. Waits up to
 * `patienceMs`, then gives install.busy with the holder's process id. Neither the file nor a
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
  let held: ProcessLock | null = null;
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
    held?.[Symbol.dispose]();
    await leave?.();
    return faultOfSystem(error, `work in ${dirname(lockFile)}`);
  }
  try {
    return await action();
  } finally {
    rmSync(holderFile, { force: true });
    held[Symbol.dispose]();
    removeEmpty(dirname(lockFile));
    await leave?.();
  }
}

/** Null while somebody else has it. */
function take(lockFile: string): ProcessLock | null {
  try {
    return ProcessLock.take(lockFile);
  } catch (error) {
    const code = errorCode(error);
    if (!code.startsWith("SQLITE_")) throw error;
    const text = `Cannot work in ${dirname(lockFile)}: ${reasonOf(error)}`;
    const row = code === "SQLITE_FULL" ? "install.space" : "file.failed";
    throw new FaultError(fault(row, text, lockFile));
  }
}

function busy(holderFile: string): Fault {
  const pid = readIfExists(holderFile)?.trim() ?? "";
  const who = pid === "" ? "it does not say which process it is" : `process ${pid} is at it`;
  return fault("install.busy", `Another install, upgrade or uninstall is at work: ${who}`);
}
