// How files get to their places: whole or not at all, and back again. What an interrupted run
// leaves ends in .partial, and the next one removes it.

import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { errorCode, readIfExists, writeFileAtomic } from "../lib/files.ts";
import { sha256 } from "../lib/hash.ts";
import type { Undo } from "./steps.ts";

const PARTIAL = ".partial";
const PROGRAM_MODE = 0o755;
/** A file system without hard links, or a limit of them; the bytes are copied then. */
const NO_LINK: ReadonlySet<string> = new Set(["EPERM", "EXDEV", "ENOTSUP", "EOPNOTSUPP", "EMLINK"]);
/** What Windows says when a program that runs is to be replaced; renaming it is allowed. */
const RUNNING: ReadonlySet<string> = new Set(["EPERM", "EACCES", "EBUSY"]);
/** Why a directory stays: it is not empty, or the one above it is not ours to write to. */
const STAYS: ReadonlySet<string> = new Set([
  "ENOTEMPTY",
  "EEXIST",
  "EPERM",
  "EACCES",
  "EBUSY",
  "EROFS",
]);

/** A name beside `path` that is swept away by the next run when nobody gives it a better one. */
export function partialBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID().slice(0, 8)}${PARTIAL}`);
}

/**
 * Makes a program appear at `path` complete and on the disk, as a second name of `from` or as bytes
 * of its own. Returns what puts back the old one, which stays beside it as a .partial until then.
 */
export function placeProgram(from: string, path: string, as: "link" | "copy"): Undo {
  const back = setAside(path);
  const temporary = partialBeside(path);
  try {
    if (as === "link") linkOrCopy(from, temporary);
    else copyProgram(from, temporary);
    replace(temporary, path);
    return back;
  } catch (error) {
    rmSync(temporary, { force: true });
    back();
    throw error;
  }
}

/** Copies a program with its rights and waits for the disk; `to` appears bit by bit. */
export function copyProgram(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, PROGRAM_MODE);
  flush(to);
}

/** True when both are the same file, or the same bytes. */
export function sameProgram(one: string, other: string): boolean {
  const [a, b] = [statOf(one), statOf(other)];
  if (a === null || b === null || a.size !== b.size) return false;
  if (a.ino === b.ino && a.dev === b.dev && a.ino !== 0) return true;
  return sha256(readFileSync(one)) === sha256(readFileSync(other));
}

/** Writes a small text file; its undo writes the old text again, or removes the file. */
export function placeText(path: string, text: string, mode: number): Undo {
  const before = readIfExists(path);
  writeFileAtomic(path, text, { mode });
  return () => {
    if (before === null) rmSync(path, { force: true });
    else writeFileAtomic(path, before, { mode });
  };
}

/** Makes a directory and its parents; its undo removes those that it made and that are empty. */
export function makeDirectory(path: string, mode: number): Undo | null {
  const first = mkdirSync(path, { recursive: true, mode });
  if (first === undefined) return null;
  return () => {
    for (let at = path; at.length >= first.length; at = dirname(at)) removeEmpty(at);
  };
}

/** Removes a directory when nothing is in it; true when it is gone. */
export function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (errorCode(error) !== "ENOENT" && !STAYS.has(errorCode(error))) throw error;
    return errorCode(error) === "ENOENT";
  }
}

/** What interrupted runs have left in these directories. */
export function partialsIn(directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) =>
    namesIn(directory)
      .filter((name) => name.endsWith(PARTIAL))
      .map((name) => join(directory, name)),
  );
}

/** The names in a directory; none when there is no such directory. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** Removes what can be removed; a program that runs on Windows goes with the next run. */
export function sweep(paths: readonly string[]): void {
  for (const path of paths) discard(path);
}

/** Renames over `path`; a running program that cannot be written over steps aside. */
export function replace(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (!RUNNING.has(errorCode(error)) || statOf(path) === null) throw error;
    const aside = partialBeside(path);
    renameSync(path, aside);
    try {
      renameSync(temporary, path);
    } catch (second) {
      renameSync(aside, path);
      throw second;
    }
    discard(aside);
  }
  // Of two names of one file, rename(2) leaves both.
  rmSync(temporary, { force: true });
}

/** Keeps what is at `path` under another name; returns what puts it back. */
function setAside(path: string): () => void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return () => discard(path);
  const backup = partialBeside(path);
  if (there.isFile()) {
    linkOrCopy(path, backup);
    return () => replace(backup, path);
  }
  // A folder, or a link to nowhere: no program, so it need not be one at each moment.
  renameSync(path, backup);
  return () => {
    rmSync(path, { force: true });
    renameSync(backup, path);
  };
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!NO_LINK.has(errorCode(error))) throw error;
    copyProgram(from, to);
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!RUNNING.has(errorCode(error))) throw error;
    // It runs: out of its place, and removed by a later run.
    if (!path.endsWith(PARTIAL)) renameSync(path, partialBeside(path));
  }
}

function flush(path: string): void {
  const handle = openSync(path, "r+");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function statOf(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}
