import type { Clock, Timer } from "../lib/clock.ts";

/** A server may be busy for a moment; whoever does not answer for so long hangs. */
const ANSWER_MIN_MS = 2_000;
const ANSWER_MAX_MS = 10_000;
/** A timer that comes so late slept with the machine, and so did the answer. */
const ASLEEP_MS = 1_000;

type HealthOptions = {
  readonly clock: Clock;
  readonly intervalMs: () => number;
  readonly ping: (id: number) => void;
  /** Called once: it has not answered within this time. */
  readonly hung: (limitMs: number) => void;
};

/**
 * Asks whether somebody still answers, again and again (MISSION B7). Monotonic time only: a clock
 * that is set does not make a server look dead.
 */
export class Health {
  readonly #options: HealthOptions;
  #timer: Timer | null = null;
  #id = 0;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  start(): void {
    this.stop();
    this.#timer = this.#options.clock.after(this.#options.intervalMs(), () => this.#ask());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** An answer has come. */
  answered(id: number): void {
    if (id === this.#id && this.#timer !== null) this.start();
  }

  #ask(): void {
    const { clock, intervalMs, ping, hung } = this.#options;
    const limitMs = Math.min(ANSWER_MAX_MS, Math.max(ANSWER_MIN_MS, intervalMs()));
    const dueMs = clock.monotonic() + limitMs;
    this.#timer = clock.after(limitMs, () => {
      if (clock.monotonic() - dueMs > ASLEEP_MS) return this.#ask();
      this.#timer = null;
      hung(limitMs);
    });
    ping(++this.#id);
  }
}
