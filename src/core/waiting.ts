import type { Turn } from "./effect.ts";
import type { Fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";

/** Somebody who wants an upstream that is not ready: exactly one of the two is called, once. */
export type Waiting = {
  readonly proceed: (turn: Turn) => void;
  readonly fail: (turn: Turn, problem: Fault) => void;
};

/** Those who wait for one upstream to start, in the order they came. */
export class WaitingRoom {
  #waiting: Waiting[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** False when there is no room left. */
  enter(waiting: Waiting): boolean {
    if (this.#waiting.length >= LIMITS.waitingPerUpstream) return false;
    this.#waiting.push(waiting);
    return true;
  }

  proceed(turn: Turn): void {
    for (const waiting of this.#leave()) waiting.proceed(turn);
  }

  fail(turn: Turn, problem: Fault): void {
    for (const waiting of this.#leave()) waiting.fail(turn, problem);
  }

  #leave(): readonly Waiting[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}
