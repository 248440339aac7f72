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
    const { session } = exchange;
    const few = this.#calls.size + this.#calls.ghosts + this.#lane.size < LIMITS.callsPerClient;
    if (session === null || (few && this.#held.size === 0)) return go(turn);
    const client = clientOf(session);
    const queue = this.#held.get(client);
    if (queue !== undefined) return void queue.push({ exchange, go });
    const running = this.#running(client);
    if (running.length < LIMITS.callsPerClient) return go(turn);
    for (const call of running) this.#follow(call, client);
    this.#held.set(client, [{ exchange, go }]);
  }

  /** Those that the upstream works on, and those that wait for their turn there. */
  #running(client: Client): readonly Exchange[] {
    return [...this.#calls.calls(), ...this.#lane.queued].filter(
      ({ session }) => session !== null && clientOf(session) === client,
    );
  }

  /** It may end without ever having been sent. */
  #follow(exchange: Exchange, client: Client): void {
    exchange.whenReleased((later) => this.#pump(later, client));
    exchange.whenSettled((later) => this.#pump(later, client));
  }

  #pump(turn: Turn, client: Client): void {
    const queue = this.#held.get(client);
    if (queue === undefined) return;
    let room = LIMITS.callsPerClient - this.#running(client).length;
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
