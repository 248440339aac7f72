import type { Turn } from "./effect.ts";
import { isObject, META } from "./envelope.ts";
import type { Exchange } from "./exchange.ts";
import { fault } from "./fault.ts";
import { type Call, refuse, reply, seatCall, settleSeat } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import { failure, type Outcome, type Params, success } from "./message.ts";
import type { Upstream } from "./upstream.ts";

/** A question of a legacy upstream that a modern client has to answer with its next request. */
export type Parkable = {
  readonly method: string;
  readonly params: Params | undefined;
  readonly answer: (turn: Turn, outcome: Outcome) => void;
};

/** A call that goes on at its upstream while its client is away fetching an answer. */
type Parked = {
  readonly upstream: Upstream;
  readonly exchange: Exchange;
  readonly principal: string;
  /** Method and params without the answers: the client must come back with the same request. */
  readonly request: string;
  readonly questions: Map<string, Parkable>;
  /** When the client is told: questions that come together are told together. */
  tellMs: number;
  untilMs: number;
};

const PREFIX = "mcpd.";

/**
 * Calls of modern clients that legacy upstreams ask something about (2026-07-28, patterns/mrtr):
 * the call is answered with "input required" and goes on upstream. The state handed out is a random
 * name, good once, for this principal and this request only, and for a while.
 */
export class Parking {
  readonly #parked = new Map<string, Parked>();
  readonly #byExchange = new Map<Exchange, Parked>();
  readonly #newName: () => string;
  #nextKey = 1;

  constructor(newName: () => string) {
    this.#newName = newName;
  }

  get size(): number {
    return this.#byExchange.size;
  }

  /** Puts a question to the client of a call; false when nobody can be asked any more. */
  park(turn: Turn, upstream: Upstream, exchange: Exchange, question: Parkable): boolean {
    const { seat } = exchange;
    if (seat === null || this.#parked.size >= LIMITS.parkedCalls) return false;
    const parked = this.#byExchange.get(exchange) ?? this.#enter(turn, upstream, exchange);
    if (parked === null) return false;
    parked.questions.set(`mcpd_${this.#nextKey++}`, question);
    parked.tellMs = turn.nowMs + LIMITS.questionCollectMs;
    return true;
  }

  /** Takes the request of a client that comes back. False when it is no such request. */
  resume(turn: Turn, call: Call): boolean {
    const name = call.request.params?.["requestState"];
    if (typeof name !== "string" || !name.startsWith(PREFIX)) return false;
    const parked = this.#parked.get(name);
    const same =
      parked !== undefined &&
      parked.principal === call.session.principal &&
      parked.request === fingerprint(call);
    if (!same) {
      refuse(turn, call, fault("question.state"));
      return true;
    }
    this.#parked.delete(name);
    this.#goOn(turn, parked, call);
    return true;
  }

  /** Time has passed: tells clients what is asked, and gives up on those that do not come back. */
  tick(turn: Turn): void {
    for (const parked of this.#byExchange.values()) {
      const call = parked.exchange.seat?.call ?? null;
      if (call !== null) {
        const due = parked.questions.size > 0 && parked.tellMs <= turn.nowMs;
        if (due) this.#sendAway(turn, parked, call);
        continue;
      }
      if (parked.untilMs > turn.nowMs) continue;
      this.#forget(parked);
      const { upstream, exchange } = parked;
      (exchange.upstream ?? upstream).withdraw(turn, exchange, "the client did not come back");
      exchange.settle(turn, failure(fault("question.state")));
    }
  }

  #enter(turn: Turn, upstream: Upstream, exchange: Exchange): Parked | null {
    const call = exchange.seat?.call;
    if (call === undefined || call === null) return null;
    const parked: Parked = {
      upstream,
      exchange,
      principal: call.session.principal,
      request: fingerprint(call),
      questions: new Map(),
      tellMs: turn.nowMs,
      untilMs: turn.nowMs + LIMITS.parkedMs,
    };
    this.#byExchange.set(exchange, parked);
    exchange.whenSettled(() => {
      // An outcome that nobody was there to take waits for the client.
      if (exchange.seat?.outcome === null) this.#forget(parked);
    });
    return parked;
  }

  /** Answers the waiting call with all that is open. */
  #sendAway(turn: Turn, parked: Parked, call: Call): void {
    const { seat } = parked.exchange;
    if (seat !== null) seat.call = null;
    // What is not answered when the client comes back is asked again.
    const requestState = PREFIX + this.#newName();
    this.#parked.set(requestState, parked);
    parked.untilMs = turn.nowMs + LIMITS.parkedMs;
    const inputRequests = Object.fromEntries(
      [...parked.questions].map(([key, { method, params }]) => [
        key,
        { method, params: withoutMeta(params) },
      ]),
    );
    const _meta = { [META.server]: parked.upstream.info };
    const result = { resultType: "input_required", inputRequests, requestState, _meta };
    reply(turn, call, success(result));
  }

  #goOn(turn: Turn, parked: Parked, call: Call): void {
    const { upstream, exchange, questions } = parked;
    const { seat } = exchange;
    if (seat === null) return;
    if (seat.outcome !== null) {
      this.#forget(parked);
      seat.call = call;
      return settleSeat(turn, seat, upstream, seat.outcome);
    }
    seatCall(seat, call, upstream, exchange);
    const responses = call.request.params?.["inputResponses"];
    for (const [key, result] of Object.entries(isObject(responses) ? responses : {})) {
      const question = questions.get(key);
      questions.delete(key);
      question?.answer(turn, success(result));
    }
  }

  #forget(parked: Parked): void {
    this.#byExchange.delete(parked.exchange);
    for (const [name, other] of this.#parked) if (other === parked) this.#parked.delete(name);
  }
}

/** Progress tokens of the upstream mean nothing to the client. */
function withoutMeta(params: Params | undefined): Params {
  const { _meta, ...rest } = params ?? {};
  return rest;
}

function fingerprint({ session, request }: Call): string {
  const { inputResponses: _a, requestState: _b, _meta, ...params } = request.params ?? {};
  return JSON.stringify([session.view, session.project, request.method, params]);
}
