import { LIMITS } from "../core/limits.ts";
import type { Clock, Timer } from "../lib/clock.ts";

/** Something that wants to know that time passes while it is open. */
export interface Beating {
  /** Called every LIMITS.beatMs. */
  beat(): void;
}

/** One timer for all streams and waiting answers of the doors, instead of one for each. */
export class Heartbeat {
  readonly #members = new Set<Beating>();
  readonly #timer: Timer;

  constructor(clock: Clock) {
    this.#timer = clock.every(LIMITS.beatMs, () => {
      for (const member of this.#members) member.beat();
    });
  }

  add(member: Beating): void {
    this.#members.add(member);
  }

  remove(member: Beating): void {
    this.#members.delete(member);
  }

  stop(): void {
    this.#timer.cancel();
    this.#members.clear();
  }
}
