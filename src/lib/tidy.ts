import { fullGC } from "bun:jsc";

import type { Clock, Timer } from "./clock.ts";

/** Passing one message on leaves one or two kilobytes; a collection takes about a millisecond. */
const PASSES = 512;
const QUIET_MS = 500;

/**
 * Keeps a process small of which there are many and which passes on much: left alone, the runtime
 * lets garbage grow to tens of megabytes. Collects after so many passes, and once it is quiet.
 * Bun.gc() would throw compiled code away as well, which doubles the time of a pass.
 */
export class Tidy {
  readonly #clock: Clock;
  #passes = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called for each pass. */
  passed(): void {
    this.#passes += 1;
    if (this.#passes >= PASSES) this.#collect();
    else if (this.#timer === null) this.#watch();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #watch(): void {
    const before = this.#passes;
    this.#timer = this.#clock.after(QUIET_MS, () => {
      this.#timer = null;
      if (this.#passes === before) this.#collect();
      else if (this.#passes > 0) this.#watch();
    });
  }

  #collect(): void {
    this.#passes = 0;
    fullGC();
  }
}
