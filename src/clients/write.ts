import { mkdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { reasonOf, writeFileAtomic } from "../lib/files.ts";
import { carryOver } from "./carry.ts";
import { isUnchanged, type Snapshot, snapshot, textOf, writeProblem } from "./files.ts";
import type { Shape } from "./shape.ts";

/** One file to be written. */
export type Change = {
  readonly before: Snapshot;
  /** Null takes the file away. */
  readonly after: string | null;
  /** Directories that go with the file when they are empty then, the innermost first. */
  readonly directories?: readonly string[];
  /** Where its lists of servers are: for a file that others change, too. */
  readonly shapes?: readonly Shape[];
  /** A file whose text names this one: as long as it does, undo keeps this one. */
  readonly neededBy?: string;
  /** Rights of a file that is made; an existing one keeps its own. */
  readonly mode: number;
  /** When it cannot be written, nothing is. */
  readonly required: boolean;
};

/** Null when it is written. */
export function writeChange({ before, after, mode, directories = [] }: Change): Fault | null {
  const problem = writeProblem(before);
  if (problem !== null) return problem;
  try {
    if (!isUnchanged(before)) return changed(before);
    if (after === null) {
      rmSync(before.target, { force: true });
      for (const directory of directories) removeEmpty(directory);
      return null;
    }
    mkdirSync(dirname(before.target), { recursive: true, mode: 0o700 });
    const isDue = (): boolean => isUnchanged(before);
    const written = writeFileAtomic(before.target, after, { mode: before.mode ?? mode, isDue });
    return written ? null : changed(before);
  } catch (error) {
    const text = `Cannot write ${before.path}: ${reasonOf(error)}`;
    return fault("file.failed", text, before.path);
  }
}

/**
 * The same change of a file that its client wrote in between: its servers change as they were to,
 * all else is the client's. Null when that cannot be.
 */
export function rebased({ before, after, shapes = [], ...rest }: Change): Change | null {
  const now = snapshot(before.path);
  if (after === null || isFault(now) || now.target !== before.target) return null;
  const [from, text] = [textOf(before), textOf(now)];
  if (isFault(from) || isFault(text)) return null;
  // Only what is all about servers can be carried over.
  const again = carryOver(before.path, shapes, { from, to: after, now: from });
  const carried = carryOver(before.path, shapes, { from, to: after, now: text });
  if (again !== after || isFault(carried)) return null;
  return { before: now, after: carried, shapes, ...rest };
}

/** True when a client has written the file since, from what it had in memory before. */
export function isLost({ before, after, shapes = [] }: Change): boolean {
  const now = snapshot(before.path);
  if (isFault(now) || after === null) return !isFault(now) && now.bytes !== null;
  const [from, text] = [textOf(before), textOf(now)];
  if (isFault(from) || isFault(text)) return true;
  // What it says beside our servers is the client's.
  return text !== after && carryOver(before.path, shapes, { from, to: after, now: text }) !== text;
}

export function changed({ path }: Pick<Snapshot, "path">): Fault {
  const text = `Cannot write ${path}: somebody else changed it meanwhile`;
  return fault("client.changed", text, path);
}

/** The directories that have to be made for a file, the innermost first. */
export function missingDirectories(path: string): readonly string[] {
  const missing: string[] = [];
  let directory = dirname(path);
  while (statSync(directory, { throwIfNoEntry: false }) === undefined) {
    missing.push(directory);
    directory = dirname(directory);
  }
  return missing;
}

/** One that others use by now stays. */
export function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It is not empty, or somebody was faster.
  }
}
