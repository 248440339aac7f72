import type { Turn } from "./effect.ts";
import type { Exchange } from "./exchange.ts";
import { LIMITS } from "./limits.ts";
import type { Notification, Params, Request, Response } from "./message.ts";
import type { Client, Session } from "./session.ts";

/**
 * The requests in flight in one direction of one conversation: at an upstream, or at a client that
 * was asked something. The only place that makes or rewrites a JSON-RPC id or a progress token:
 * both are the same fresh integer here, so neither can leak between clients.
 */
export class ExchangeTable {
  readonly #open = new Map<number, Exchange>();
  /** Withdrawn, but perhaps still worked on; and until when we assume that. */
  readonly #ghosts = new Map<number, { readonly exchange: Exchange; readonly untilMs: number }>();
  /** How many of calls() each client has. */
  readonly #shares = new Map<Client, number>();
  #nextId: number;
  #background = 0;

  constructor(firstId = 1) {
    this.#nextId = firstId;
  }

  /** How many are waited for. */
  get size(): number {
    return this.#open.size - this.#background;
  }

  get ghosts(): number {
    return this.#ghosts.size;
  }

  /** How many of calls() a client has; known without looking at each. */
  shareOf(client: Client): number {
    return this.#shares.get(client) ?? 0;
  }

  /** The id of the one request that an answer can belong to; null when there are several. */
  get onlyId(): number | null {
    const open = [...this.#open.values()].filter(({ background }) => !background);
    return open.length === 1 && this.#ghosts.size === 0 ? (open[0]?.id ?? null) : null;
  }

  /**
   * The clients' requests that the other side may be working on: mcpd's own are left out, and those
   * about tasks, since what a task sends says so itself.
   */
  calls(): readonly Exchange[] {
    const ghosts = [...this.#ghosts.values()].map(({ exchange }) => exchange);
    return [...this.#open.values(), ...ghosts].filter(isCall);
  }

  /** The requests that wait for the result of a task. */
  waitingFor(taskId: string): readonly Exchange[] {
    return [...this.#open.values()].filter(
      ({ method, params }) => method === "tasks/result" && params?.["taskId"] === taskId,
    );
  }

  /** The sessions that have a request here, each once. */
  sessions(): ReadonlySet<Session> {
    const sessions = new Set<Session>();
    for (const { session } of this.calls()) if (session !== null) sessions.add(session);
    return sessions;
  }

  /** Enters an exchange and returns the request to send. */
  enter(exchange: Exchange, nowMs: number, timeoutMs: number): Request {
    const id = this.#nextId++;
    exchange.id = id;
    exchange.sentId = id;
    exchange.startClock(nowMs, timeoutMs);
    this.#open.set(id, exchange);
    this.#share(exchange, 1);
    if (exchange.background) this.#background += 1;
    const { method, params, progressToken } = exchange;
    const outgoing = progressToken === undefined ? params : withToken(params, id);
    return { kind: "request", id, method, params: outgoing };
  }

  /**
   * Takes the exchange a response answers out of the table; undefined for one nobody ever waited
   * for. One that was withdrawn before is given back settled.
   */
  take(turn: Turn, response: Response): Exchange | undefined {
    if (typeof response.id !== "number") return undefined;
    const ghost = this.#ghosts.get(response.id);
    const exchange = ghost?.exchange ?? this.#open.get(response.id);
    if (exchange === undefined) return undefined;
    this.#ghosts.delete(response.id);
    this.#leave(exchange);
    this.#share(exchange, -1);
    exchange.release(turn, true);
    return exchange;
  }

  /** The exchange progress belongs to, and its params with the client's own token put back. */
  progress(params: Params | undefined): { exchange: Exchange; params: Params } | undefined {
    const token = params?.["progressToken"];
    if (typeof token !== "number" || params === undefined) return undefined;
    const exchange = this.#open.get(token);
    if (exchange?.progressToken === undefined) return undefined;
    return { exchange, params: { ...params, progressToken: exchange.progressToken } };
  }

  /** Takes an exchange out early; the notification tells the upstream to stop working on it. */
  withdraw(turn: Turn, exchange: Exchange, reason: string): Notification | null {
    const requestId = exchange.id;
    if (requestId === null || !this.holds(exchange)) return null;
    this.#leave(exchange);
    if (exchange.session !== null) {
      this.#ghosts.set(requestId, { exchange, untilMs: turn.nowMs + LIMITS.ghostMs });
    }
    return {
      kind: "notification",
      method: "notifications/cancelled",
      params: { requestId, reason },
    };
  }

  /** What is open, in the order it was sent. */
  get open(): readonly Exchange[] {
    return [...this.#open.values()];
  }

  /** Whether it is in flight here: at another replica its id may be one of ours. */
  holds(exchange: Exchange): boolean {
    return exchange.id !== null && this.#open.get(exchange.id) === exchange;
  }

  /** Puts another in the place of an exchange that goes on elsewhere: it is withdrawn instead. */
  swap(exchange: Exchange, standIn: Exchange): void {
    if (exchange.id === null || !this.holds(exchange)) return;
    this.#open.set(exchange.id, standIn);
    standIn.id = exchange.id;
    exchange.id = null;
    this.#share(standIn, 1);
    this.#share(exchange, -1);
  }

  /** The exchanges whose deadline has passed. */
  expired(nowMs: number): readonly Exchange[] {
    const late: Exchange[] = [];
    for (const exchange of this.#open.values())
      if (exchange.deadlineMs <= nowMs) late.push(exchange);
    return late;
  }

  /** Lets go of the withdrawn that are taken to have ended by now. */
  expireGhosts(turn: Turn): void {
    for (const [id, { exchange, untilMs }] of this.#ghosts) {
      if (untilMs > turn.nowMs) continue;
      this.#ghosts.delete(id);
      this.#share(exchange, -1);
      exchange.release(turn, false);
    }
  }

  /** Empties the table: the instance that had them is gone. Returns those that were open. */
  clear(turn: Turn): readonly Exchange[] {
    const ghosts = [...this.#ghosts.values()].map(({ exchange }) => exchange);
    const open = [...this.#open.values()];
    this.#ghosts.clear();
    this.#shares.clear();
    for (const exchange of open) this.#leave(exchange);
    for (const exchange of [...open, ...ghosts]) exchange.release(turn, false);
    return open;
  }

  #leave(exchange: Exchange): void {
    if (exchange.id === null || !this.holds(exchange)) return;
    this.#open.delete(exchange.id);
    if (exchange.background) this.#background -= 1;
    exchange.id = null;
  }

  #share(exchange: Exchange, change: 1 | -1): void {
    const { client } = exchange;
    if (client === null || !isCall(exchange)) return;
    const share = this.shareOf(client) + change;
    if (share === 0) this.#shares.delete(client);
    else this.#shares.set(client, share);
  }
}

function isCall({ client, method }: Exchange): boolean {
  return client !== null && !method.startsWith("tasks/");
}

/** The params of a request whose sender wants to hear how far it is. */
export function withToken(params: Params | undefined, progressToken: number): Params {
  return { ...params, _meta: { ...(params?.["_meta"] as Params | undefined), progressToken } };
}
