import type { Channel, Turn } from "./effect.ts";
import type { Seat } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import type { Notification, Outcome, Params, Request, Response } from "./message.ts";
import type { Session } from "./session.ts";

/** What becomes of an exchange; called exactly once. */
export type Settle = (turn: Turn, outcome: Outcome) => void;

export type ProgressToken = string | number;

/** One request on its way to an upstream, in the form every era and door is translated to. */
export class Exchange {
  readonly method: string;
  readonly params: Params | undefined;
  /** Whose request it is; null for mcpd's own. */
  readonly session: Session | null;
  /** Where what belongs to it goes; null for mcpd's own. */
  readonly channel: Channel | null;
  /** The call that waits for its outcome; null for mcpd's own. */
  readonly seat: Seat | null;
  /** The tool or prompt at the upstream, the resource, or "". */
  readonly target: string;
  /** A subscription of mcpd's own: it has no end, and nobody waits for it. */
  readonly background: boolean;
  /** The client's own progress token, restored on the way back. */
  readonly progressToken: ProgressToken | undefined;
  /** Takes progress meant for the client; absent when nobody listens. */
  readonly onProgress: ((turn: Turn, params: Params) => void) | undefined;
  /** How often it may still be sent again after the upstream was lost: 0 for anything but reads. */
  retriesLeft: number;
  /** The id at the upstream while it is in flight there. */
  id: number | null = null;
  /** The id it was last sent under, and its progress token there; null before. */
  sentId: number | null = null;
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Whether a question came that may have been of it. */
  suspected = false;
  /** Questions of it that its client has not answered, and when the last was put. */
  #questions = 0;
  #askedMs = 0;
  #limitMs = Number.POSITIVE_INFINITY;
  #timeoutMs = 0;
  #settle: Settle | null;
  readonly #settled: ((turn: Turn) => void)[] = [];
  readonly #released: ((turn: Turn, answered: boolean) => void)[] = [];

  constructor(options: {
    readonly method: string;
    readonly params: Params | undefined;
    readonly session?: Session;
    readonly channel?: Channel;
    readonly seat?: Seat;
    readonly target?: string;
    readonly background?: boolean;
    readonly settle: Settle;
    readonly retriesLeft: number;
    readonly progressToken?: ProgressToken | undefined;
    readonly onProgress?: ((turn: Turn, params: Params) => void) | undefined;
  }) {
    this.method = options.method;
    this.params = options.params;
    this.session = options.session ?? null;
    this.channel = options.channel ?? null;
    this.seat = options.seat ?? null;
    this.target = options.target ?? "";
    this.background = options.background ?? false;
    this.progressToken = options.progressToken;
    this.onProgress = options.onProgress;
    this.retriesLeft = options.retriesLeft;
    this.#settle = options.settle;
  }

  get open(): boolean {
    return this.#settle !== null;
  }

  /** Gives the outcome to whoever asked. Every call but the first does nothing and says false. */
  settle(turn: Turn, outcome: Outcome): boolean {
    const settle = this.#settle;
    if (settle === null) return false;
    this.#settle = null;
    settle(turn, outcome);
    for (const follower of this.#settled) follower(turn);
    return true;
  }

  /** The other side has answered it, or is taken not to work on it any more. */
  release(turn: Turn, answered: boolean): void {
    for (const follower of this.#released.splice(0)) follower(turn, answered);
  }

  /** Calls `follower` once the exchange is settled, after whoever asked. */
  whenSettled(follower: (turn: Turn) => void): void {
    this.#settled.push(follower);
  }

  /**
   * Calls `follower` once nothing more can come of the exchange at the other side: that may be
   * later than its settlement, since a cancelled call can still be at work there. `answered` is
   * false when that is only assumed.
   */
  whenReleased(follower: (turn: Turn, answered: boolean) => void): void {
    this.#released.push(follower);
  }

  /** Starts the clock when the request leaves for the upstream. */
  startClock(nowMs: number, timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.deadlineMs = nowMs + timeoutMs;
    this.#limitMs = nowMs + timeoutMs * LIMITS.deadlineExtensions;
  }

  /** A person is thinking: only the limit counts until extend() starts the clock again. */
  pauseClock(): void {
    this.deadlineMs = this.#limitMs;
  }

  /** It is this call that asked its client something. */
  asked(nowMs: number): void {
    this.#questions += 1;
    this.#askedMs = nowMs;
    this.pauseClock();
  }

  /** A question of it has been answered: the clock runs again with the last of them. */
  answered(nowMs: number): void {
    this.#questions = Math.max(0, this.#questions - 1);
    if (this.#questions === 0) this.extend(nowMs);
  }

  /** Whether it has asked its client so lately that another question may be on its way. */
  justAsked(nowMs: number): boolean {
    return this.#questions > 0 && nowMs - this.#askedMs < LIMITS.questionBurstMs;
  }

  /** Progress shows life: the deadline moves, up to a limit. */
  extend(nowMs: number): void {
    this.deadlineMs = Math.min(nowMs + this.#timeoutMs, this.#limitMs);
  }
}

/**
 * The requests in flight in one direction of one conversation: at an upstream, or at a client that
 * was asked something. The only place that makes or rewrites a JSON-RPC id or a progress token:
 * both are the same fresh integer here, so neither can leak between clients.
 */
export class ExchangeTable {
  readonly #open = new Map<number, Exchange>();
  /** Withdrawn, but perhaps still worked on; and until when we assume that. */
  readonly #ghosts = new Map<number, { readonly exchange: Exchange; readonly untilMs: number }>();
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
    return [...this.#open.values(), ...ghosts].filter(
      ({ session, method }) => session !== null && !method.startsWith("tasks/"),
    );
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
    if (requestId === null || !this.#open.has(requestId)) return null;
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
      exchange.release(turn, false);
    }
  }

  /** Empties the table: the instance that had them is gone. Returns those that were open. */
  clear(turn: Turn): readonly Exchange[] {
    const ghosts = [...this.#ghosts.values()].map(({ exchange }) => exchange);
    const open = [...this.#open.values()];
    this.#ghosts.clear();
    for (const exchange of open) this.#leave(exchange);
    for (const exchange of [...open, ...ghosts]) exchange.release(turn, false);
    return open;
  }

  #leave(exchange: Exchange): void {
    if (exchange.id !== null && this.#open.delete(exchange.id) && exchange.background) {
      this.#background -= 1;
    }
    exchange.id = null;
  }
}

/** The progress token a client put into its request, if any. */
export function progressTokenOf(params: Params | undefined): ProgressToken | undefined {
  const token = (params?.["_meta"] as Params | undefined)?.["progressToken"];
  return typeof token === "string" || typeof token === "number" ? token : undefined;
}

function withToken(params: Params | undefined, progressToken: number): Params {
  const meta = params?.["_meta"] as Params | undefined;
  return { ...params, _meta: { ...meta, progressToken } };
}
