import type { Fault } from "../core/fault.ts";
import type { Shape } from "./shape.ts";

/** What is remembered of a file. */
export type Kept = {
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly hashBefore: string | null;
  readonly hashAfter: string | null;
  /** Directories that were made for it, the innermost first. */
  readonly madeDirectories: readonly string[];
  readonly shapes: readonly Shape[];
  readonly neededBy: string | null;
  readonly undone: boolean;
};

/** One command's changes, newest last. */
export type Entry = {
  readonly id: string;
  /** The words of the command: "setup", "connect cursor". */
  readonly command: string;
  /** ISO 8601. */
  readonly at: string;
  readonly files: readonly Kept[];
};

export type Applied = {
  /** Null when nothing was written. */
  readonly id: string | null;
  readonly written: readonly string[];
  readonly failed: readonly Fault[];
};

export type Undone = {
  readonly restored: readonly string[];
  readonly failed: readonly Fault[];
  /** Changed since: left alone. */
  readonly refused: readonly Refused[];
  /** Left because a file that was not restored names them. */
  readonly needed: readonly string[];
};

/** A file that is neither what it was before the command nor what it was after. */
export type Refused = {
  readonly path: string;
  readonly shapes: readonly Shape[];
  /** As it was before the command, "" for no file. */
  readonly before: string;
  readonly expected: string;
  readonly found: string;
};

/** A file as it was before a command. */
export type Earlier = {
  readonly command: string;
  readonly bytes: Uint8Array | null;
  /** What was made for it. */
  readonly directories: readonly string[];
};
