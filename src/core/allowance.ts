import type { Turn } from "./effect.ts";
import type { ExchangeTable } from "./exchange-table.ts";
import type { Exchange } from "./exchange.ts";
import type { Lane } from "./lane.ts";
import { LIMITS } from "./limits.ts";
import { type Client, clientOf, type Session } from "./session.ts";

type Held = { readonly exchange: Exchange; readonly go: (turn: Turn) => void };

/**
 * How much of one upstream a client may have at a time. A flood of one waits here, in its own
 * order, so that the calls of others do not stand behind hundreds in the upstream's pipe. Whoever
 * has few calls in flight never comes here.
 */
export class Allowance {
  readonly #calls: ExchangeTable;
  readonly #lane: Lane;
  readonly #held = new Map<Client, Held[]>();

  constructor(calls: ExchangeTable, lane: Lane) {
    this.#calls = calls;
    this.#lane = lane;
  }

  /** How many wait. */
  get size(): number {
    let sum = 0;
    for (const queue of this.#held.values()) sum += queue.length;
    return sum;
  }

  /** Whether requests of a client wait. */
  holds(session: Session): boolean {
    return this.#held.size > 0 && this.#held.has(clientOf(session));
  }

  /** Sends an exchange, now or when enough of its client's others are done. */
  take(turn: Turn, exchange: Exchange, go: (turn: Turn) => void): void {
    const { client } = exchange;
    if (client === null) return go(turn);
    const queue = this.#held.get(client);
    if (queue !== undefined) return void queue.push({ exchange, go });
    if (this.#running(client) < LIMITS.callsPerClient) return go(turn);
    for (const call of [...this.#calls.calls(), ...this.#lane.queued]) {
      if (call.client === client) this.#follow(call, client);
    }
    this.#held.set(client, [{ exchange, go }]);
  }

  /** How many the upstream works on, and how many wait for their turn there. */
  #running(client: Client): number {
    return this.#calls.shareOf(client) + this.#lane.shareOf(client);
  }

  /** It may end without ever having been sent. */
  #follow(exchange: Exchange, client: Client): void {
    exchange.whenReleased((later) => this.#pump(later, client));
    exchange.whenSettled((later) => this.#pump(later, client));
  }

  #pump(turn: Turn, client: Client): void {
    const queue = this.#held.get(client);
    if (queue === undefined) return;
    let room = LIMITS.callsPerClient - this.#running(client);
    while (queue.length > 0 && (room > 0 || queue[0]?.exchange.open === false)) {
      const next = queue.shift();
      if (next === undefined || !next.exchange.open) continue;
      room -= 1;
      this.#follow(next.exchange, client);
      next.go(turn);
    }
    if (queue.length === 0) this.#held.delete(client);
  }
}
