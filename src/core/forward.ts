import { cancelled } from "./dispatch.ts";
import type { Channel, Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { Exchange, progressTokenOf } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { nextCursorOf } from "./listing.ts";
import {
  encode,
  encodeBytes,
  failure,
  type Json,
  type Outcome,
  type Params,
  type Request,
  success,
} from "./message.ts";
import { presentLegacy, presentModern } from "./present.ts";
import { type CallRecord, outcomeOf, recordCall } from "./record.ts";
import { askRound, inputRequired } from "./rounds.ts";
import type { Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";
import { askForUrls } from "./url-elicitation.ts";
import type { World } from "./world.ts";

/** One request of a client with all that is needed to answer it. */
export type Call = {
  readonly session: Session;
  readonly request: Request;
  readonly channel: Channel;
  /** Takes the outcome instead of the channel: the call is a part of another. */
  readonly deliver?: (turn: Turn, outcome: Outcome) => void;
};

/** Requests without effects: repeated once when the upstream was lost in the middle. */
const READS: ReadonlySet<string> = new Set([
  "tools/list",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "completion/complete",
]);

export function answer(turn: Turn, call: Call, value: unknown): void {
  reply(turn, call, success(value));
}

export function refuse(turn: Turn, call: Call, problem: Fault): void {
  reply(turn, call, failure(problem));
}

/** The one answer to a request. A modern session ends with it. */
export function reply(turn: Turn, call: Call, outcome: Outcome): void {
  const { session, request, channel } = call;
  session.pending.delete(request.id);
  if (call.deliver !== undefined) return call.deliver(turn, outcome);
  const long = outcome.ok && channel.writeBytes !== undefined ? outcome.result.bytes : undefined;
  if (long === undefined) {
    const text = encode({ kind: "response", id: request.id, outcome });
    turn.add({ kind: "answer", channel, text });
  } else {
    turn.add({ kind: "answer-bytes", channel, bytes: encodeBytes(request.id, long) });
  }
  if (session.era === "modern") turn.add({ kind: "discard", session });
}

/** Answers for mcpd itself, in the words of the client's era. */
export function answerFor(world: World, turn: Turn, call: Call, value: Params): void {
  if (call.session.era === "legacy") return answer(turn, call, value);
  reply(turn, call, presentModern(call.request.method, world.about, success(value)));
}

/** The call that waits for an exchange. A parked exchange has none until its client comes back. */
export type Seat = { call: Call | null; outcome: Outcome | null };

/** Lets the client of a call cancel the exchange behind it. */
export function seatCall(seat: Seat, call: Call, upstream: Upstream, exchange: Exchange): void {
  seat.call = call;
  const { session, request } = call;
  session.pending.set(request.id, {
    cancel(later, reason) {
      (exchange.upstream ?? upstream).withdraw(later, exchange, reason);
      const sure = exchange.read || exchange.sentId === null;
      const effect = sure
        ? ""
        : "; the outcome of the request is unknown: check before you repeat it";
      exchange.settle(later, cancelled(request, `${reason}${effect}`));
    },
  });
}

type ForwardOptions = {
  /** What the upstream gets instead of the client's params. */
  readonly params?: Params | undefined;
  /** What the call is about, for the record. */
  readonly target?: string;
  /** Whether the answer might have been one that was there already, for the record. */
  readonly reuse?: CallRecord["reuse"];
  /** Hears the outcome, after the client. */
  readonly settled?: (turn: Turn, outcome: Outcome) => void;
  /** Hears that the upstream has done with it, which may be later. */
  readonly released?: () => void;
  /** Looks into a result and may replace it. */
  readonly transform?: (result: Json, turn: Turn) => Json;
};

/**
 * Sends a client's request on and brings the outcome back: under the client's own id, with its own
 * progress token, exactly once, whatever happens in between.
 */
export function forward(
  turn: Turn,
  call: Call,
  upstream: Upstream,
  options: ForwardOptions = {},
): void {
  const { session, request, channel } = call;
  const startedMs = turn.nowMs;
  const params = options.params ?? request.params;
  const target = options.target ?? "";
  const read = READS.has(request.method) || isTrusted(request, upstream, target);
  const start = (
    now: Turn,
    sent: Params | undefined,
    round: number,
    at: Upstream = upstream,
  ): void => {
    const seat: Seat = { call: null, outcome: null };
    const finish = (later: Turn, outcome: Outcome): void => {
      const final = transformed(later, outcome, options.transform);
      const server = exchange.upstream ?? upstream;
      noteOwner(later, call, server, exchange, final);
      settleSeat(later, seat, server, final);
      const durationMs = later.nowMs - startedMs;
      const { reuse = "none" } = options;
      recordCall(later, call, server, { target, durationMs, reuse }, final);
      options.settled?.(later, final);
    };
    const exchange = new Exchange({
      method: request.method,
      params: sent,
      session,
      channel,
      seat,
      target,
      read,
      retriesLeft: read ? upstream.unit.settings.retriesMax : 0,
      progressToken: progressTokenOf(sent),
      onProgress: channel.streams ? (later, progress) => report(later, seat, progress) : undefined,
      settle(later, outcome) {
        const server = exchange.upstream ?? upstream;
        const required = inputRequired(call, server, outcome);
        if (required === null || round >= LIMITS.inputRounds) return finish(later, outcome);
        askRound(later, call, upstream, required, (next, answers) => {
          if (!answers.ok) return finish(next, answers);
          const { responses: inputResponses } = answers;
          const state = required.state === undefined ? {} : { requestState: required.state };
          start(next, { ...params, inputResponses, ...state }, round + 1, server);
        });
      },
    });
    if (options.released !== undefined) exchange.whenReleased(options.released);
    seatCall(seat, call, upstream, exchange);
    at.ask(now, exchange);
  };
  start(turn, params, 0);
}

/** Whether a call is of a tool that says it only reads, where the config believes it. */
function isTrusted({ method }: Request, upstream: Upstream, tool: string): boolean {
  if (method !== "tools/call" || !upstream.unit.settings.trustReadOnly) return false;
  const entries = upstream.listings.get("tools")?.entries ?? [];
  const hints = entries.find((entry) => entry["name"] === tool)?.["annotations"];
  return isObject(hints) && hints["readOnlyHint"] === true;
}

/**
 * What an upstream makes for a client by an id of its own belongs to that client; and of a list,
 * the next page is where the first was.
 */
function noteOwner(
  turn: Turn,
  { session, request }: Call,
  server: Upstream,
  { sentId, progressToken }: Exchange,
  outcome: Outcome,
): void {
  const { tasks, elicitations } = server;
  if (!outcome.ok) {
    if (session.era === "legacy") elicitations.noteError(outcome.error, session.id);
  } else if (request.method === "tools/call") {
    const wanted = session.era === "modern" || request.params?.["task"] !== undefined;
    const progress = { sentToken: sentId, token: progressToken };
    if (wanted) tasks.learn(session, outcome.result, progress, turn.nowMs);
  } else if (server.group !== null && request.method.endsWith("/list")) {
    const more = nextCursorOf(outcome.result.value) !== undefined;
    if (more) server.group.stay(session, server);
  }
}

/** Answers the call that waits, in the words of its era; without one the outcome waits for it. */
export function settleSeat(turn: Turn, seat: Seat, upstream: Upstream, outcome: Outcome): void {
  const { call } = seat;
  if (call === null) {
    seat.outcome = outcome;
    return;
  }
  settleCall(turn, call, upstream, outcome);
}

/** Answers a call in the words of its era; one that was cancelled only where it has to be. */
export function settleCall(turn: Turn, call: Call, upstream: Upstream, outcome: Outcome): void {
  if (outcomeOf(outcome) === "cancelled" && !call.channel.mustAnswer) {
    call.session.pending.delete(call.request.id);
    return;
  }
  reply(turn, call, translated(call, upstream, fitted(call, outcome)));
}

/** An outcome no longer than this client wants it. */
function fitted({ session, request }: Call, outcome: Outcome): Outcome {
  const { drawer, principal, profile } = session;
  if (drawer === null || profile.resultLength === null || !outcome.ok) return outcome;
  if (request.method !== "tools/call") return outcome;
  return { ok: true, result: drawer.shorten(outcome.result, principal, profile.resultLength) };
}

function report(turn: Turn, { call }: Seat, params: Params): void {
  if (call === null) return;
  const text = encode({ kind: "notification", method: "notifications/progress", params });
  turn.add({ kind: "note", channel: call.channel, text });
}

/** Registers a request that waits for something other than an upstream's answer. */
export function hold(
  call: Call,
  start: (resume: (turn: Turn, act: (turn: Turn) => void) => void) => void,
): void {
  const { session, request, channel } = call;
  let open = true;
  session.pending.set(request.id, {
    cancel(turn, reason) {
      open = false;
      session.pending.delete(request.id);
      if (channel.mustAnswer) reply(turn, call, cancelled(request, reason));
    },
  });
  start((turn, act) => {
    if (!open) return;
    open = false;
    session.pending.delete(request.id);
    act(turn);
  });
}

function transformed(
  turn: Turn,
  outcome: Outcome,
  transform: ((result: Json, turn: Turn) => Json) | undefined,
): Outcome {
  if (!outcome.ok || transform === undefined) return outcome;
  return { ok: true, result: transform(outcome.result, turn) };
}

/** An outcome in the words of the client's era; nothing to do when the upstream speaks it too. */
function translated(call: Call, upstream: Upstream, outcome: Outcome): Outcome {
  const { session, request } = call;
  if (session.era === upstream.spokenEra) return outcome;
  if (session.era === "legacy") return presentLegacy(outcome);
  const asked = outcome.ok ? outcome : askForUrls(call, upstream.info, outcome.error);
  return presentModern(request.method, upstream.info, asked);
}
