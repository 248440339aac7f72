import type { Clock, Timer } from "../lib/clock.ts";

const LOOK_MS = 5_000;
/** So little between two looks is sessions that wait, timers and health checks. */
const QUIET_MS = 25;
/** Giving back costs about ten milliseconds itself, and the next call two more. */
const WORK_MS = 100;

/**
 * Gives back what work has left in memory, above all compiled code, once the process rests. Both
 * are told by its time on the processor, which counts everything and costs no call anything.
 */
export class Rest {
  readonly #usedMs: () => number;
  readonly #giveBack: () => void;
  readonly #timer: Timer;
  #beforeMs = 0;
  #givenBackMs = 0;

  constructor(clock: Clock, usedMs = processorMs, giveBack = (): void => Bun.shrink()) {
    this.#usedMs = usedMs;
    this.#giveBack = giveBack;
    this.#timer = clock.every(LOOK_MS, () => this.#look());
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const usedMs = this.#usedMs();
    const quiet = usedMs - this.#beforeMs < QUIET_MS;
    this.#beforeMs = usedMs;
    if (!quiet || usedMs - this.#givenBackMs < WORK_MS) return;
    this.#givenBackMs = usedMs;
    this.#giveBack();
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
