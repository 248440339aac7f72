import { readFileSync, statSync } from "node:fs";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { linkTarget, reasonOf } from "../lib/files.ts";
import { sha256 } from "../lib/hash.ts";

/** A file as it was when we looked. */
export type Snapshot = {
  /** As its owner names it. */
  readonly path: string;
  /** What it is in the end: links are followed, so that a link stays one. */
  readonly target: string;
  /** Null when there is no file yet. */
  readonly bytes: Uint8Array | null;
  /** Rights of the file, null when there is none. */
  readonly mode: number | null;
};

const ANYBODY_WRITES = 0o222;
const RIGHTS = 0o777;

/** Reads a file with what has to be known to put it back. */
export function snapshot(path: string): Snapshot | Fault {
  try {
    const target = linkTarget(path);
    const stats = statSync(target, { throwIfNoEntry: false });
    if (stats === undefined) return { path, target, bytes: null, mode: null };
    if (!stats.isFile()) return unreadable(path, "it is not a file");
    return { path, target, bytes: readFileSync(target), mode: stats.mode & RIGHTS };
  } catch (error) {
    return unreadable(path, reasonOf(error));
  }
}

/** The text of a snapshot, "" of a missing file. A fault when it is not UTF-8. */
export function textOf({ path, bytes }: Snapshot): string | Fault {
  if (bytes === null) return "";
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fault("client.config", `Cannot read ${path}: it is not UTF-8 text`, path);
  }
}

/** Why the file must not be written, null when it may be. */
export function writeProblem({ path, mode }: Snapshot): Fault | null {
  // The rights are looked at, too: the system lets an administrator write everything.
  if (mode === null || (mode & ANYBODY_WRITES) !== 0) return null;
  return fault("file.failed", `Cannot write ${path}: it is read-only`, path);
}

/** Something that differs when the content does; null for no file. */
export function hashOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : sha256(bytes);
}

/** True when the file is still what the snapshot says. */
export function isUnchanged(before: Snapshot): boolean {
  const now = snapshot(before.path);
  return (
    !isFault(now) && now.target === before.target && hashOf(now.bytes) === hashOf(before.bytes)
  );
}

function unreadable(path: string, why: string): Fault {
  return fault("file.failed", `Cannot read ${path}: ${why}`, path);
}
