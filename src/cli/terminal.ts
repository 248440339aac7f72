import { writeSync } from "node:fs";

import { fault, FaultError } from "../core/fault.ts";
import { errorCode, reasonOf } from "../lib/files.ts";

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

/**
 * Writes all of a text to a descriptor. False when nobody reads it any more, which is no error: the
 * reader has had enough; a full disk is a fault. process.stdout is avoided because touching it
 * takes longer than a command.
 */
export function writeAll(descriptor: number, text: string | Uint8Array): boolean {
  let rest: Uint8Array = typeof text === "string" ? Buffer.from(text) : text;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const code = errorCode(error);
      // Somebody made the pipe non-blocking and it is full: wait for its reader.
      if (code === "EAGAIN") {
        Bun.sleepSync(1);
        continue;
      }
      // A remark that nobody can read is no reason to fail.
      if (code === "EPIPE" || code === "EBADF" || descriptor === STDERR) return false;
      const words = `Cannot write the output: ${reasonOf(error)}`;
      throw new FaultError(fault("file.failed", words, "standard output"));
    }
  }
  return true;
}

type Environment = { readonly [name: string]: string | undefined };

/** Whether to colour: flag, NO_COLOR, FORCE_COLOR and TERM=dumb decide before the terminal does. */
export function wantsColor(flag: boolean, terminal: boolean, environment: Environment): boolean {
  const { NO_COLOR: no = "", FORCE_COLOR: force = "", TERM: term } = environment;
  if (!flag || no !== "" || force === "0") return false;
  return force !== "" || (terminal && term !== "dumb");
}

/** Columns of the terminal on a descriptor; null when it is none. Takes milliseconds. */
export async function widthOf(descriptor: number): Promise<number | null> {
  const { isatty, WriteStream } = await import("node:tty");
  return isatty(descriptor) ? new WriteStream(descriptor).columns : null;
}
