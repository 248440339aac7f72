import {
  afterAnswer,
  afterFailure,
  type Breaker,
  CLOSED,
  probeDue,
  probing,
  trip,
} from "./breaker.ts";
import type { Turn } from "./effect.ts";
import { Exchange } from "./exchange.ts";
import { LIMITS } from "./limits.ts";
import { LIST_KINDS, LISTS } from "./listing.ts";
import { faultCodeOf } from "./message.ts";
import type { Upstream } from "./upstream.ts";

/** What is known of the health of one replica, and how it is found out. */
export class Health {
  breaker: Breaker = CLOSED;
  /** How many sessions stay with it. */
  homes = 0;
  /** When it last answered anything, and when it was last asked to start (monotonic ms). */
  heardMs = Number.NEGATIVE_INFINITY;
  #wokenMs = Number.NEGATIVE_INFINITY;
  /** The cheap list call that is on its way to it. */
  #probe: Exchange | null = null;
  readonly #member: Upstream;
  /** Told when it is not trusted any more. */
  readonly #tripped: (turn: Turn) => void;

  constructor(member: Upstream, tripped: (turn: Turn) => void) {
    this.#member = member;
    this.#tripped = tripped;
  }

  demand(turn: Turn): void {
    this.#wokenMs = turn.nowMs;
    turn.add({ kind: "demand", upstream: this.#member });
  }

  /** Asks it to start, not too often. */
  wake(turn: Turn): void {
    if (turn.nowMs - this.#wokenMs >= LIMITS.wakeMs) this.demand(turn);
  }

  /** It answered a request. */
  answered(turn: Turn, exchange: Exchange): void {
    this.heardMs = turn.nowMs;
    // That it could tell its lists proves nothing about what it does with requests.
    const proof = exchange.session !== null || exchange === this.#probe;
    if (proof) this.breaker = afterAnswer(this.breaker);
  }

  /** A request came to nothing through its fault. */
  failed(turn: Turn): void {
    const wasOpen = this.breaker.kind === "open";
    this.breaker = afterFailure(this.breaker, turn.nowMs);
    if (!wasOpen && this.breaker.kind === "open") this.#tripped(turn);
  }

  /** The instance has ended. */
  left(): void {
    this.#probe = null;
  }

  /** Time has passed: asks one that is silent for something cheap, starts one that is `wanted`. */
  check(turn: Turn, wanted: boolean): void {
    const { phase, retired, exchanges } = this.#member;
    if (this.#probe !== null || retired !== null) return;
    const isClosed = this.breaker.kind === "closed";
    const isDue = probeDue(this.breaker, turn.nowMs);
    if (phase === "ready") {
      const silentMs = turn.nowMs - this.heardMs;
      const mostMs = exchanges.size > 0 ? LIMITS.silentMs : LIMITS.healthCheckMs;
      if (isDue || (isClosed && silentMs >= mostMs)) this.#ask(turn);
    } else if (wanted && (isDue || isClosed)) {
      this.wake(turn);
    }
  }

  /** A cheap list call; never a ping alone, which many servers answer whatever is wrong. */
  #ask(turn: Turn): void {
    const kind = LIST_KINDS.find((candidate) => this.#member.has(LISTS[candidate].capability));
    const method = kind === undefined ? "ping" : LISTS[kind].method;
    const probe = new Exchange({
      method,
      settle: (later, outcome) => {
        if (this.#probe !== probe) return;
        this.#probe = null;
        const code = faultCodeOf(outcome);
        // Whatever it says in answer, it lives; that has been noted.
        if (code !== "exchange.timed-out") return;
        this.breaker = trip(this.breaker, later.nowMs);
        this.#tripped(later);
      },
    });
    this.#probe = probe;
    this.breaker = probing(this.breaker);
    this.#member.ask(turn, probe);
    probe.deadlineMs = turn.nowMs + LIMITS.healthTimeoutMs;
  }
}
