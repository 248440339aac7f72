import type { Turn } from "./effect.ts";
import type { Fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";

/** Somebody who wants an upstream that is not ready: exactly one of the two is called, once. */
export type Waiting = {
  readonly proceed: (turn: Turn) => void;
  readonly fail: (turn: Turn, problem: Fault) => void;
};

/** For who wants an upstream to start and will not wait: however often, it takes one place. */
export const JUST_START: Waiting = { proceed: () => {}, fail: () => {} };

/** Those who wait for one upstream to start, in the order they came. */
export class WaitingRoom {
  #waiting = new Set<Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  /** False when there is no room left. */
  enter(waiting: Waiting): boolean {
    const full = this.#waiting.size >= LIMITS.waitingPerUpstream;
    if (full && !this.#waiting.has(waiting)) return false;
    this.#waiting.add(waiting);
    return true;
  }

  proceed(turn: Turn): void {
    for (const waiting of this.#leave()) waiting.proceed(turn);
  }

  fail(turn: Turn, problem: Fault): void {
    for (const waiting of this.#leave()) waiting.fail(turn, problem);
  }

  #leave(): ReadonlySet<Waiting> {
    const all = this.#waiting;
    this.#waiting = new Set();
    return all;
  }
}
