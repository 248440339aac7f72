import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

import type { Clock } from "../lib/clock.ts";
import { errorCode } from "../lib/files.ts";

const POLL_MS = 200;
const BLOCK_BYTES = 65_536;
const NEWLINE = 10;

/** The end of a file: whole lines, and the offset behind the last of them. */
export type Tail = { readonly lines: readonly string[]; readonly end: number };

/** The last lines of a file, read from its end; null when there is no such file. */
export function lastLines(path: string, count: number): Tail | null {
  const descriptor = openIfExists(path);
  if (descriptor === null) return null;
  try {
    return tailOf(descriptor, count);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Hands on what is written to a file from `offset` on, until `take` returns false. A rotated file
 * is read to its end before the new one is begun; a truncated one is begun again. The file may be
 * missing for a while.
 */
export async function follow(
  path: string,
  offset: number,
  clock: Clock,
  take: (lines: readonly string[]) => boolean,
): Promise<void> {
  let descriptor = openIfExists(path);
  let at = offset;
  for (;;) {
    // Asked before reading: what is written in between belongs to the file we still hold.
    const rotated = descriptor === null || !isSameFile(descriptor, path);
    if (descriptor !== null) {
      if (fstatSync(descriptor).size < at) at = 0;
      const { lines, end } = linesFrom(descriptor, at);
      at = end;
      if (!take(lines)) return closeSync(descriptor);
    } else if (!take([])) {
      return;
    }
    const next = rotated ? openIfExists(path) : null;
    if (next === null) {
      await clock.sleep(POLL_MS);
      continue;
    }
    if (descriptor !== null) closeSync(descriptor);
    descriptor = next;
    at = 0;
  }
}

function tailOf(descriptor: number, count: number): Tail {
  const { size } = fstatSync(descriptor);
  let start = size;
  let bytes = new Uint8Array(0);
  // One more line end than lines: the one before the first wanted line.
  while (start > 0 && newlinesIn(bytes) <= count) {
    const from = Math.max(0, start - BLOCK_BYTES);
    const block = readRange(descriptor, from, start);
    bytes = Buffer.concat([block, bytes]);
    start = from;
  }
  const end = start + bytes.lastIndexOf(NEWLINE) + 1;
  const whole = textOf(bytes.subarray(0, end - start));
  return { lines: count === 0 ? [] : whole.slice(-count), end: Math.max(end, 0) };
}

function linesFrom(descriptor: number, offset: number): Tail {
  const bytes = readRange(descriptor, offset, fstatSync(descriptor).size);
  const length = bytes.lastIndexOf(NEWLINE) + 1;
  return { lines: textOf(bytes.subarray(0, length)), end: offset + length };
}

function readRange(descriptor: number, from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, to - from));
  const length = readSync(descriptor, bytes, 0, bytes.length, from);
  return bytes.subarray(0, length);
}

function textOf(bytes: Uint8Array): readonly string[] {
  return bytes.length === 0 ? [] : new TextDecoder().decode(bytes).replace(/\n$/, "").split("\n");
}

function newlinesIn(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + (byte === NEWLINE ? 1 : 0), 0);
}

function openIfExists(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return null;
    throw error;
  }
}

function isSameFile(descriptor: number, path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.ino === fstatSync(descriptor).ino;
}
