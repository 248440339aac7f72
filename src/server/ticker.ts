import { LIMITS } from "../core/limits.ts";
import type { Clock, Timer } from "../lib/clock.ts";

/** Ticks only while time matters: an idle daemon does not wake up. */
export class Ticker {
  readonly #clock: Clock;
  readonly #tick: () => boolean;
  #timer: Timer | null = null;
  #closed = false;

  /** `tick` says whether there is to be another one. */
  constructor(clock: Clock, tick: () => boolean) {
    this.#clock = clock;
    this.#tick = tick;
  }

  /** Begins unless it ticks already. */
  start(): void {
    if (this.#closed) return;
    this.#timer ??= this.#clock.every(LIMITS.tickMs, () => {
      if (!this.#tick()) this.#stop();
    });
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
