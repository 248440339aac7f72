import type { Turn } from "./effect.ts";
import type { Exchange, ExchangeTable } from "./exchange.ts";

/**
 * Calls of tools that are known to ask. They run one at a time, so that a question can only be of
 * the one that runs. A call that waits for a person's answer does not run:
 * others go on meanwhile, and the answer waits until they are done or wait themselves. Calls of
 * tools that never asked run freely, but for a moment after each question.
 */
export class Lane {
  readonly #askers = new Set<string>();
  readonly #calls: ExchangeTable;
  #queue: { readonly exchange: Exchange; readonly go: (turn: Turn) => void }[] = [];

  constructor(calls: ExchangeTable) {
    this.#calls = calls;
  }

  /** How many wait for their turn. */
  get size(): number {
    return this.#queue.length;
  }

  /** Takes over what another instance of the same upstream has found out. */
  inherit(other: Lane): void {
    for (const asker of other.#askers) this.#askers.add(asker);
  }

  /** These calls may have asked: their tools are askers from now on. */
  learn(calls: Iterable<Exchange>): void {
    for (const { target } of calls) if (target !== "") this.#askers.add(target);
  }

  /** Does something for a call, now or when it is the call's turn to run. */
  take(turn: Turn, exchange: Exchange, go: (turn: Turn) => void): void {
    // Nothing has ever asked: the usual case, which costs nothing.
    if (this.#askers.size === 0) return go(turn);
    if (this.#askers.has(exchange.target)) exchange.whenReleased((later) => this.pump(later));
    // One that goes on has begun already: those that have not wait for it, not it for them.
    const place = this.#queue.findIndex((other) => exchange.asks && !other.exchange.asks);
    this.#queue.splice(place === -1 ? this.#queue.length : place, 0, { exchange, go });
    this.pump(turn);
  }

  /** Lets those run that nothing stands in the way of any more. */
  pump(turn: Turn): void {
    while (this.#queue.length > 0) {
      const [next] = this.#queue.splice(this.#next(turn), 1);
      if (next === undefined) return;
      next.go(turn);
    }
  }

  /**
   * The first that may run now, or where the line ends. One that asks waits for the others that
   * ask; any call waits while one has just asked and may ask more, so that what comes next can be
   * told from its questions.
   */
  #next({ nowMs }: Turn): number {
    const calls = this.#calls.calls();
    const bursting = calls.filter((call) => call.justAsked(nowMs));
    const running = calls.filter(
      (call) => this.#askers.has(call.target) && !call.waitsForAnswer(nowMs),
    );
    const others = (found: readonly Exchange[], one: Exchange): boolean =>
      found.length > 1 || (found.length === 1 && found[0] !== one);
    const at = this.#queue.findIndex(({ exchange }) => {
      if (!exchange.open) return true;
      if (others(bursting, exchange)) return false;
      return !this.#askers.has(exchange.target) || !others(running, exchange);
    });
    return at === -1 ? this.#queue.length : at;
  }
}
