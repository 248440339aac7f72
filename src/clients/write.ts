import { mkdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import { reasonOf, writeFileAtomic } from "../lib/files.ts";
import { isUnchanged, type Snapshot, writeProblem } from "./files.ts";
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
  if (!isUnchanged(before)) {
    const text = `Cannot write ${before.path}: somebody else changed it meanwhile`;
    return fault("client.changed", text, before.path);
  }
  try {
    if (after === null) {
      rmSync(before.target, { force: true });
      for (const directory of directories) removeEmpty(directory);
      return null;
    }
    mkdirSync(dirname(before.target), { recursive: true, mode: 0o700 });
    writeFileAtomic(before.target, after, { mode: before.mode ?? mode });
    return null;
  } catch (error) {
    const text = `Cannot write ${before.path}: ${reasonOf(error)}`;
    return fault("file.failed", text, before.path);
  }
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
