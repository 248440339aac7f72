import type { Turn } from "./effect.ts";
import { Exchange, progressTokenOf } from "./exchange.ts";
import { type Fault, fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { encode, failure, type Outcome, type Request } from "./message.ts";
import { askClient } from "./notify.ts";
import { canAnswer, capabilitiesOf, NEEDS } from "./question-methods.ts";
import { clientOf, type Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** One request of an upstream on its way to the client that it concerns. */
export type Question = {
  /** The calls of which it may be, as long as it is not certain of which. */
  readonly uncertain: readonly Exchange[];
  /** Time has passed. It ends when it has waited too long for certainty or, if others wait, too. */
  readonly expire: (turn: Turn, waiting: readonly Exchange[]) => void;
  /** Nobody waits for the answer any more: whoever was asked is told. */
  readonly drop: (turn: Turn) => void;
};

/** A question of a shared upstream, from its arrival until it is answered, refused or dropped. */
export class OpenQuestion implements Question {
  /** When waiting ends (monotonic ms): for certainty or, once it has been put, for the client. */
  #deadlineMs = Number.POSITIVE_INFINITY;
  readonly #world: World;
  readonly #upstream: Upstream;
  readonly #request: Request;
  /** The calls that may have caused it. */
  readonly #suspects: Set<Exchange>;
  /** The only client of the instance, where it has one: then there is nothing to find out. */
  readonly #home: Session | null;
  #asked: { readonly session: Session; readonly exchange: Exchange } | null = null;
  /** The calls it may be of, once it has been put: their clocks stand still. */
  #callers: readonly Exchange[] | null = null;
  #open = true;

  constructor(
    world: World,
    upstream: Upstream,
    request: Request,
    suspects: Set<Exchange>,
    home: Session | null,
  ) {
    this.#world = world;
    this.#upstream = upstream;
    this.#request = request;
    this.#suspects = suspects;
    this.#home = home;
  }

  get uncertain(): readonly Exchange[] {
    return this.#callers === null ? [...this.#suspects] : [];
  }

  /** Puts the question if it is certain by now whom to ask. */
  consider(turn: Turn): void {
    const askers = new Set([...this.#suspects].map(askerOf));
    const wanted = [...this.#suspects].some((suspect) => suspect.open);
    if (askers.size > 1 && wanted) {
      if (this.#deadlineMs === Number.POSITIVE_INFINITY) {
        this.#deadlineMs = turn.nowMs + LIMITS.questionHoldMs;
      }
      return;
    }
    if (this.#home !== null) return this.#put(turn, this.#home);
    const session = [...this.#suspects][0]?.session ?? null;
    if (session === null || !wanted) {
      return this.refuse(turn, fault("question.nobody", undefined, this.#upstream.name));
    }
    this.#learn();
    this.#put(turn, session);
  }

  /** A call can ask nothing any more: it is not the one. */
  clear(turn: Turn, suspect: Exchange): void {
    if (!this.#open) return;
    this.#suspects.delete(suspect);
    if (this.#callers === null) this.consider(turn);
    else this.abandon(turn);
  }

  /** Takes the question back when no call that may have caused it waits for its result any more. */
  abandon(turn: Turn): void {
    if (!this.#open || this.#callers === null) return;
    if ([...this.#suspects].some((suspect) => suspect.open)) return;
    this.refuse(turn, fault("question.nobody", "The call has ended", this.#upstream.name));
    this.#tellClient(turn);
  }

  expire(turn: Turn, waiting: readonly Exchange[]): void {
    const given = waiting.some((next) => this.#isGivenUpFor(next));
    const earlierMs = given ? LIMITS.questionAloneMs - LIMITS.questionOwnMs : 0;
    if (turn.nowMs < this.#deadlineMs - earlierMs) return;
    if (this.#callers === null) {
      this.#learn();
      this.refuse(turn, fault("question.ambiguous", undefined, this.#upstream.name));
    } else if (waiting.length > 0) {
      const text = "The client has not answered, and others wait";
      this.refuse(turn, fault("question.nobody", text, this.#upstream.name));
      this.#tellClient(turn);
    }
  }

  /** Whether a call that waits is of the modern client that has the question: it has gone on. */
  #isGivenUpFor(call: Exchange): boolean {
    const [caller] = this.#callers ?? [];
    if (caller === undefined || caller === call) return false;
    const [asked, next] = [caller.session, call.session];
    if (asked?.era !== "modern" || next?.era !== "modern") return false;
    return clientOf(asked) === clientOf(next);
  }

  /** Answers the upstream with an error. */
  refuse(turn: Turn, problem: Fault): void {
    this.#end(turn, failure(problem));
  }

  drop(turn: Turn): void {
    this.#end(turn, null);
    this.#tellClient(turn);
  }

  #put(turn: Turn, session: Session): void {
    const { method, params } = this.#request;
    if (session.era === "modern") return this.#park(turn, session);
    const [only] = this.#suspects.size === 1 ? this.#suspects : [];
    const channel = only?.channel ?? null;
    if (!canAnswer(capabilitiesOf(session, channel), method, params)) {
      const text = `The client "${session.client.name}" cannot answer ${method}`;
      return this.refuse(turn, fault("question.nobody", text, this.#upstream.name));
    }
    if (session.asks.size >= LIMITS.questionsPerSession) {
      return this.refuse(turn, fault("upstream.busy", "Too many questions wait for this client"));
    }
    this.#hold(turn, [...this.#suspects]);
    const exchange = new Exchange({
      method,
      params,
      progressToken: progressTokenOf(params),
      onProgress: (later, progress) =>
        this.#upstream.notify(later, "notifications/progress", progress),
      settle: (later, outcome) => this.#end(later, outcome),
    });
    this.#asked = { session, exchange };
    if (params?.["mode"] === "url") {
      this.#upstream.elicitations.note(params["elicitationId"], session.id);
    }
    // On the stream of the call that asks, as the specification wants it, where that is certain.
    askClient(turn, session, exchange, channel);
  }

  /** It is put: there is time, unless others wait. */
  #hold(turn: Turn, callers: readonly Exchange[]): void {
    this.#deadlineMs = turn.nowMs + LIMITS.questionAloneMs;
    this.#callers = callers;
    // Of several calls of one session it is not certain which asked: all of them get time.
    const [only, other] = callers;
    if (other === undefined) only?.asked(turn.nowMs);
    else for (const one of callers) one.pauseClock();
  }

  /** A modern client is not asked: its call is answered with what it has to bring. */
  #park(turn: Turn, session: Session): void {
    const { method, params } = this.#request;
    const exchange = [...this.#suspects].find((suspect) => suspect.open);
    if (exchange === undefined) return;
    if (!canAnswer(session.capabilities, method, params)) return this.#incapable(turn, exchange);
    this.#hold(turn, [exchange]);
    const answer = (later: Turn, outcome: Outcome): void => this.#end(later, outcome);
    const question = { method, params, answer };
    if (this.#world.parking.park(turn, this.#upstream, exchange, question)) return;
    this.refuse(turn, fault("question.nobody", undefined, this.#upstream.name));
  }

  /**
   * The era has an error of its own for that, and the client's request ends with it. Upstream the
   * call ends by itself, with its question refused: that is sooner certain than a cancellation.
   */
  #incapable(turn: Turn, exchange: Exchange): void {
    const { method } = this.#request;
    const text = `The request needs a client that can answer ${method}`;
    const requiredCapabilities = { [NEEDS[method] ?? method]: {} };
    const problem = fault("client.incapable", text, this.#upstream.name, { requiredCapabilities });
    this.refuse(turn, fault("question.nobody", text, this.#upstream.name));
    exchange.settle(turn, failure(problem));
  }

  /** Answers the upstream, where there is something to say, and lets the calls go on. */
  #end(turn: Turn, outcome: Outcome | null): void {
    if (!this.#open) return;
    this.#open = false;
    const { questions, lane } = this.#upstream;
    // One that was refused because of its id must not take the place of the one that has it.
    if (questions.get(this.#request.id) === this) questions.delete(this.#request.id);
    const [only, other] = this.#callers ?? [];
    if (other === undefined) only?.answered(turn.nowMs);
    else for (const one of this.#callers ?? []) one.extend(turn.nowMs);
    const { id } = this.#request;
    if (outcome !== null) this.#upstream.respond(turn, { kind: "response", id, outcome });
    lane.pump(turn);
  }

  #tellClient(turn: Turn): void {
    if (this.#asked === null) return;
    const { session, exchange } = this.#asked;
    const notification = session.asks.withdraw(turn, exchange, "the call has ended");
    if (notification !== null)
      turn.add({ kind: "push", session, text: encode(notification), keep: true });
  }

  #learn(): void {
    this.#upstream.lane.learn(this.#suspects);
  }
}

/** Who has made a call: its session, or of a session that is shared the call itself. */
function askerOf(suspect: Exchange): Exchange | Session | null {
  return suspect.channel?.capabilities === undefined ? suspect.session : suspect;
}
