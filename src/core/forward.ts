import type { Channel, Turn } from "./effect.ts";
import { Exchange, progressTokenOf } from "./exchange.ts";
import { type Fault, fault } from "./fault.ts";
import {
  encode,
  faultResponse,
  type Json,
  type Outcome,
  type Params,
  type Request,
  resultResponse,
  rpcError,
} from "./message.ts";
import type { CallOutcome } from "./record.ts";
import type { Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";

/** One request of a client with all that is needed to answer it. */
export type Call = {
  readonly session: Session;
  readonly request: Request;
  readonly channel: Channel;
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
  const text = encode(resultResponse(call.request.id, value));
  turn.add({ kind: "answer", channel: call.channel, text });
}

export function refuse(turn: Turn, call: Call, problem: Fault): void {
  const text = encode(faultResponse(call.request.id, problem));
  turn.add({ kind: "answer", channel: call.channel, text });
}

/**
 * Sends a client's request on and brings the outcome back: under the client's own id, with its own
 * progress token, exactly once, whatever happens in between.
 */
export function forward(
  turn: Turn,
  call: Call,
  upstream: Upstream,
  options: {
    /** What the upstream gets instead of the client's params. */
    readonly params?: Params | undefined;
    /** What the call is about, for the record. */
    readonly target?: string;
    /** Looks into a result and may replace it. */
    readonly transform?: (result: Json) => Json;
  } = {},
): void {
  const { session, request, channel } = call;
  const startedMs = turn.nowMs;
  const params = options.params ?? request.params;
  const exchange = new Exchange({
    method: request.method,
    params,
    session,
    channel,
    target: options.target ?? "",
    retriesLeft: READS.has(request.method) ? upstream.unit.settings.retriesMax : 0,
    progressToken: progressTokenOf(params),
    onProgress: channel.streams
      ? (later, progress) =>
          later.add({
            kind: "note",
            channel,
            text: encode({
              kind: "notification",
              method: "notifications/progress",
              params: progress,
            }),
          })
      : undefined,
    settle(later, outcome) {
      session.pending.delete(request.id);
      const final = finish(outcome, options.transform);
      const verdict = outcomeOf(final);
      if (verdict !== "cancelled" || channel.mustAnswer) {
        const text = encode({ kind: "response", id: request.id, outcome: final });
        later.add({ kind: "answer", channel, text });
      }
      later.add({
        kind: "record",
        record: {
          sessionId: session.id,
          client: session.client.name,
          upstream: upstream.name,
          method: request.method,
          target: options.target ?? "",
          durationMs: later.nowMs - startedMs,
          resultLength: final.ok ? final.result.text.length : 0,
          outcome: verdict,
        },
      });
    },
  });
  session.pending.set(request.id, {
    cancel(later, reason) {
      upstream.withdraw(later, exchange, reason);
      const problem = fault("exchange.cancelled", `${request.method} was cancelled: ${reason}`);
      exchange.settle(later, { ok: false, error: rpcError(problem) });
    },
  });
  upstream.ask(turn, exchange);
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
      if (!channel.mustAnswer) return;
      refuse(turn, call, fault("exchange.cancelled", `${request.method} was cancelled: ${reason}`));
    },
  });
  start((turn, act) => {
    if (!open) return;
    open = false;
    session.pending.delete(request.id);
    act(turn);
  });
}

function finish(outcome: Outcome, transform: ((result: Json) => Json) | undefined): Outcome {
  if (!outcome.ok || transform === undefined) return outcome;
  return { ok: true, result: transform(outcome.result) };
}

function outcomeOf(outcome: Outcome): CallOutcome {
  if (outcome.ok) return "ok";
  const code = (outcome.error.data as { fault?: unknown } | undefined)?.fault;
  if (code === "exchange.cancelled") return "cancelled";
  if (code === "exchange.timed-out") return "timed-out";
  return code === "upstream.lost" ? "lost" : "error";
}
