import type { Turn } from "./effect.ts";
import type { Exchange, ExchangeTable } from "./exchange.ts";
import { LIMITS } from "./limits.ts";
import type { Session } from "./session.ts";

type Held = { readonly exchange: Exchange; readonly go: (turn: Turn) => void };

/**
 * How much of one upstream a client may have at a time. A flood of one waits here, in its own
 * order, so that the calls of others do not stand behind hundreds in the upstream's pipe. Whoever
 * has few calls in flight never comes here.
 */
export class Allowance {
  readonly #calls: ExchangeTable;
  readonly #held = new Map<Session, Held[]>();

  constructor(calls: ExchangeTable) {
    this.#calls = calls;
  }

  /** How many wait. */
  get size(): number {
    let sum = 0;
    for (const queue of this.#held.values()) sum += queue.length;
    return sum;
  }

  /** Sends an exchange, now or when enough of its client's others are done. */
  take(turn: Turn, exchange: Exchange, go: (turn: Turn) => void): void {
    const { session } = exchange;
    if (session === null || session.pending.size <= LIMITS.callsPerClient) return go(turn);
    const running = this.#running(session);
    const queue = this.#held.get(session) ?? [];
    if (queue.length === 0 && running.length < LIMITS.callsPerClient) return go(turn);
    if (queue.length === 0) {
      for (const call of running) this.#follow(call, session);
      this.#held.set(session, queue);
    }
    queue.push({ exchange, go });
  }

  #running(session: Session): readonly Exchange[] {
    return this.#calls.calls().filter((call) => call.session === session);
  }

  #follow(exchange: Exchange, session: Session): void {
    exchange.whenReleased((later) => this.#pump(later, session));
  }

  #pump(turn: Turn, session: Session): void {
    const queue = this.#held.get(session);
    if (queue === undefined) return;
    let room = LIMITS.callsPerClient - this.#running(session).length;
    while (queue.length > 0 && (room > 0 || queue[0]?.exchange.open === false)) {
      const next = queue.shift();
      if (next === undefined || !next.exchange.open) continue;
      room -= 1;
      this.#follow(next.exchange, session);
      next.go(turn);
    }
    if (queue.length === 0) this.#held.delete(session);
  }
}
