import type { Channel, Turn } from "./effect.ts";
import type { Seat } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import type { Outcome, Params } from "./message.ts";
import { type Client, clientOf, type Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";

/** What becomes of an exchange; called exactly once. */
export type Settle = (turn: Turn, outcome: Outcome) => void;

export type ProgressToken = string | number;

/** One request on its way to an upstream, in the form every era and door is translated to. */
export class Exchange {
  readonly method: string;
  readonly params: Params | undefined;
  /** Whose request it is; null for mcpd's own. */
  readonly session: Session | null;
  /** As what it counts where each client has its share; null for mcpd's own. */
  readonly client: Client | null;
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
  /** Whether it changes nothing, as far as is known. */
  readonly read: boolean;
  /** How often it may still be sent again after the upstream was lost: 0 for anything but reads. */
  retriesLeft: number;
  /** The instance that it was given to last; null before. */
  upstream: Upstream | null = null;
  /** How often a replica was chosen for it; 0 when it may be done by no other. */
  placements = 0;
  /** The id at the upstream while it is in flight there. */
  id: number | null = null;
  /** The id it was last sent under, and its progress token there; null before. */
  sentId: number | null = null;
  /** When it was last sent (monotonic ms), and whether a second replica was asked as well. */
  sentMs = Number.POSITIVE_INFINITY;
  hedged = false;
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
    readonly params?: Params | undefined;
    readonly session?: Session | null;
    readonly channel?: Channel | null;
    readonly seat?: Seat;
    readonly target?: string;
    readonly background?: boolean;
    readonly read?: boolean;
    readonly settle: Settle;
    readonly retriesLeft?: number;
    readonly progressToken?: ProgressToken | undefined;
    readonly onProgress?: ((turn: Turn, params: Params) => void) | undefined;
  }) {
    this.method = options.method;
    this.params = options.params;
    this.session = options.session ?? null;
    this.client = this.session && clientOf(this.session);
    this.channel = options.channel ?? null;
    this.seat = options.seat ?? null;
    this.target = options.target ?? "";
    this.background = options.background ?? false;
    this.read = options.read ?? false;
    this.progressToken = options.progressToken;
    this.onProgress = options.onProgress;
    this.retriesLeft = options.retriesLeft ?? 0;
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
    this.sentMs = nowMs;
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

/** The progress token a client put into its request, if any. */
export function progressTokenOf(params: Params | undefined): ProgressToken | undefined {
  const token = (params?.["_meta"] as Params | undefined)?.["progressToken"];
  return typeof token === "string" || typeof token === "number" ? token : undefined;
}
