import { type Clock, systemClock, type Timer } from "../../src/lib/clock.ts";

/** Time that a test moves; what the clock on the wall shows is another matter. */
export class HandClock implements Clock {
  wallMs = 1_000_000;
  #nowMs = 5_000;
  #timers: { atMs: number; action: () => void }[] = [];
  now = (): number => this.wallMs;
  monotonic = (): number => this.#nowMs;
  sleep = (_delayMs: number): Promise<void> => Promise.resolve();
  every = (): Timer => ({ cancel: () => undefined });

  after(delayMs: number, action: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Fires what is due, in its order, at its time. */
  pass(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.action();
    }
    this.#nowMs = endMs;
  }

  /** The machine sleeps: what was due meanwhile comes late. */
  suspend(durationMs: number): void {
    this.#nowMs += durationMs;
    const due = this.#timers.filter((timer) => timer.atMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => timer.atMs > this.#nowMs);
    for (const { action } of due) action();
  }
}

/** A clock for who is in a hurry: where it is waited for, it runs `haste` times as fast. */
export function hastyClock(haste: number): Clock {
  return {
    ...systemClock,
    monotonic: () => systemClock.monotonic() * haste,
    sleep: (delayMs) => systemClock.sleep(delayMs / haste),
  };
}
