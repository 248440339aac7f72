import { fullGC } from "bun:jsc";

import type { Clock, Timer } from "./clock.ts";

/** Passing a message on leaves one or two kilobytes beside it; a collection takes a millisecond. */
const PASSES = 256;
/** So many bytes of a message count as another one. */
const PASS_BYTES = 8_192;
const QUIET_MS = 500;

/**
 * Keeps a process small of which there are many and which passes on much: left alone, the runtime
 * lets garbage grow to tens of megabytes. Collects after so many passes, and once it is quiet.
 * Bun.gc() would throw compiled code away as well, which doubles the time of a pass.
 */
export class Tidy {
  readonly #clock: Clock;
  readonly #collect: () => void;
  #passes = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, collect: () => void = fullGC) {
    this.#clock = clock;
    this.#collect = () => {
      this.#passes = 0;
      collect();
    };
  }

  /** To be called for each pass. */
  passed(bytes: number): void {
    this.#passes += 1 + bytes / PASS_BYTES;
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
}
