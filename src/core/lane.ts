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
    if (this.#queue.length === 0 && this.#free(turn, exchange)) return go(turn);
    this.#queue.push({ exchange, go });
  }

  /** Lets the next in line run if nothing stands in its way any more. */
  pump(turn: Turn): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (next.exchange.open && !this.#free(turn, next.exchange)) return;
      this.#queue.shift();
      next.go(turn);
    }
  }

  /**
   * Whether a call may run now. One that asks waits for the others that ask; any call waits while
   * one has just asked and may ask more, so that what comes next can be told from its questions.
   */
  #free(turn: Turn, exchange: Exchange): boolean {
    const asks = this.#askers.has(exchange.target);
    return !this.#calls.calls().some((other) => {
      if (other === exchange) return false;
      if (other.justAsked(turn.nowMs)) return true;
      return asks && this.#askers.has(other.target) && !other.waitsForAnswer(turn.nowMs);
    });
  }
}
