import { LIMITS } from "../core/limits.ts";
import type { Clock, Timer } from "../lib/clock.ts";

/** What is told the time, and whether it matters to it now. */
type Ticked = { readonly busy: () => boolean; readonly tick: () => void };

/** Ticks only while time matters: an idle daemon does not wake up. */
export class Ticker {
  readonly #clock: Clock;
  readonly #ticked: Ticked;
  #timer: Timer | null = null;
  #closed = false;

  constructor(clock: Clock, ticked: Ticked) {
    this.#clock = clock;
    this.#ticked = ticked;
  }

  /** Begins if time matters. While it ticks this costs nothing: it may follow every message. */
  start(): void {
    if (this.#closed || this.#timer !== null || !this.#ticked.busy()) return;
    this.#timer = this.#clock.every(LIMITS.tickMs, () => {
      this.#ticked.tick();
      if (!this.#ticked.busy()) this.#stop();
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
