import type { Turn } from "./effect.ts";
import type { ExchangeTable } from "./exchange-table.ts";
import type { Exchange } from "./exchange.ts";
import type { Client } from "./session.ts";

/**
 * Calls of tools that ask, or may. They run one at a time, so that a question can only be of the
 * one that runs: to its end, since it may ask again while it waits for a person. Calls of other
 * tools run freely, but for a moment after each question.
 */
export class Lane {
  /** Tools that ask, by name, and whether that is certain. */
  readonly #askers = new Map<string, boolean>();
  readonly #calls: ExchangeTable;
  readonly #queue: { readonly exchange: Exchange; readonly go: (turn: Turn) => void }[] = [];

  constructor(calls: ExchangeTable) {
    this.#calls = calls;
  }

  /** How many wait for their turn. */
  get size(): number {
    return this.#queue.length;
  }

  /** Those that wait for their turn and are still wanted. */
  get queued(): readonly Exchange[] {
    return this.#queue.flatMap(({ exchange }) => (exchange.open ? [exchange] : []));
  }

  /** How many of queued a client has. */
  shareOf(client: Client): number {
    let share = 0;
    for (const { exchange } of this.#queue) {
      if (exchange.open && exchange.client === client) share += 1;
    }
    return share;
  }

  /** Takes over what another instance of the same upstream has found out. */
  inherit(other: Lane): void {
    for (const [asker, certain] of other.#askers) this.#note(asker, certain);
  }

  /** One of these calls has asked: their tools take turns from now on. */
  learn(calls: ReadonlySet<Exchange>): void {
    for (const call of calls) {
      if (call.target === "") continue;
      this.#note(call.target, calls.size === 1);
      // It may have begun when nobody took turns yet.
      call.whenReleased((later) => this.pump(later));
    }
  }

  /** Does something for a call, now or when it is the call's turn to run. */
  take(turn: Turn, exchange: Exchange, go: (turn: Turn) => void): void {
    // Nothing has ever asked: the usual case, which costs nothing.
    if (this.#askers.size === 0) return go(turn);
    if (this.#askers.has(exchange.target)) {
      exchange.whenReleased((later, answered) => {
        if (answered) this.#judge(exchange);
        this.pump(later);
      });
    }
    this.#queue.push({ exchange, go });
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
    const bursting = calls.some((call) => call.justAsked(nowMs));
    const taken = bursting || calls.some((call) => this.#askers.has(call.target));
    const at = this.#queue.findIndex(({ exchange }) => {
      if (!exchange.open) return true;
      return this.#askers.has(exchange.target) ? !taken : !bursting;
    });
    return at === -1 ? this.#queue.length : at;
  }

  #note(tool: string, certain: boolean): void {
    this.#askers.set(tool, certain || this.#askers.get(tool) === true);
  }

  /** A tool that was only there when another asked does not: it has run to its end without. */
  #judge({ target, suspected }: Exchange): void {
    if (!suspected && this.#askers.get(target) === false) this.#askers.delete(target);
  }
}
