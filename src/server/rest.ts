import { gcAndSweep } from "bun:jsc";

import type { Clock, Timer } from "../lib/clock.ts";

const LOOK_MS = 5_000;
/** So little between two looks is sessions that wait, timers and health checks. */
const QUIET_MS = 25;
/** A tenth of a core: above it the runtime needs room, and sweeps as it looks for some. */
const BUSY_MS = 500;
/** Giving back costs about ten milliseconds itself, and the next call two more. */
const WORK_MS = 100;

type Means = {
  /** Time on the processor so far, in milliseconds. */
  readonly usedMs: () => number;
  readonly sweep: () => void;
  readonly shrink: () => void;
};

const MEANS: Means = { usedMs: processorMs, sweep: gcAndSweep, shrink: () => Bun.shrink() };

/**
 * Gives back what work has left in memory: once the process rests, compiled code above all; while
 * it is asked now and then, what is dead, which the runtime marks under such a load but leaves
 * lying until the heap is twice its size. How busy it is, is told by its time on the processor,
 * which counts everything and costs no call anything.
 */
export class Rest {
  readonly #means: Means;
  readonly #timer: Timer;
  #beforeMs = 0;
  #sweptMs = 0;
  #shrunkMs = 0;

  constructor(clock: Clock, means = MEANS) {
    this.#means = means;
    this.#timer = clock.every(LOOK_MS, () => this.#look());
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const usedMs = this.#means.usedMs();
    const workedMs = usedMs - this.#beforeMs;
    this.#beforeMs = usedMs;
    if (workedMs > BUSY_MS) return;
    const quiet = workedMs < QUIET_MS;
    // What was swept while work went on has its compiled code still.
    if (usedMs - (quiet ? this.#shrunkMs : this.#sweptMs) < WORK_MS) return;
    this.#sweptMs = usedMs;
    if (!quiet) return this.#means.sweep();
    this.#shrunkMs = usedMs;
    this.#means.shrink();
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
