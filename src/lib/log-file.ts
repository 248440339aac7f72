import { closeSync, fstatSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import type { Clock } from "./clock.ts";
import { ensurePrivateDir, errorCode } from "./files.ts";

/** How long a file that cannot be written is left alone, and how often a removed one is noticed. */
const CHECK_MS = 1000;

export type LogFileLimits = {
  /** Size at which the file becomes `.1`. */
  readonly bytesMax: number;
  /** How many older files are kept: `.1` is the newest. 0 starts the file afresh. */
  readonly backupsMax: number;
};

/**
 * A file of lines, mode 0600, rotated by size (MISSION A16). Each line is one append, so nothing is
 * left in memory to lose. A full disk or a removed directory costs lines, never the program.
 */
export class LogFile {
  readonly path: string;
  #limits: LogFileLimits;
  readonly #clock: Clock;
  #descriptor: number | null = null;
  #bytes = 0;
  #checkAtMs = 0;
  #lost = 0;

  constructor(path: string, limits: LogFileLimits, clock: Clock) {
    this.path = path;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Lines that could not be written since the last line that could. */
  get lost(): number {
    return this.#lost;
  }

  /** Changes the limits; they hold from the next line on. */
  configure(limits: LogFileLimits): void {
    this.#limits = limits;
  }

  /** Appends one line, given without its line end. False when it could not be written. */
  write(line: string): boolean {
    const nowMs = this.#clock.monotonic();
    try {
      if (nowMs >= this.#checkAtMs) {
        this.#checkAtMs = nowMs + CHECK_MS;
        this.#open();
      }
      const bytes = Buffer.from(`${line}\n`);
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#limits.bytesMax) this.#rotate();
      if (this.#descriptor === null) throw new Error("closed");
      this.#bytes += writeSync(this.#descriptor, bytes);
      this.#lost = 0;
      return true;
    } catch {
      this.close();
      this.#checkAtMs = nowMs + CHECK_MS;
      this.#lost += 1;
      return false;
    }
  }

  /** Makes the file anew if somebody has removed it since it was opened; true when it did. */
  renew(): boolean {
    if (this.#descriptor === null) return false;
    try {
      return this.#open();
    } catch {
      this.close();
      return false;
    }
  }

  /** Closes the file; a later write opens it again. */
  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    this.#checkAtMs = 0;
  }

  /** Makes sure that the file we hold is still the one people see; false when it was. */
  #open(): boolean {
    if (this.#descriptor !== null) {
      const seen = statSync(this.path, { throwIfNoEntry: false });
      if (seen?.ino === fstatSync(this.#descriptor).ino) return false;
      closeSync(this.#descriptor);
      this.#descriptor = null;
    }
    ensurePrivateDir(dirname(this.path));
    this.#descriptor = openSync(this.path, "a", 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
    return true;
  }

  #rotate(): void {
    const { backupsMax } = this.#limits;
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    rmSync(backupsMax === 0 ? this.path : `${this.path}.${backupsMax}`, { force: true });
    for (let number = backupsMax - 1; number >= 0; number -= 1) {
      renameIfThere(
        number === 0 ? this.path : `${this.path}.${number}`,
        `${this.path}.${number + 1}`,
      );
    }
    this.#open();
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}
