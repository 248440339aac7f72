import { cancelled } from "./dispatch.ts";
import type { Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { Exchange } from "./exchange.ts";
import { fault } from "./fault.ts";
import type { Call } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import { type Failure, failure, type Outcome, type Params } from "./message.ts";
import { askClient } from "./notify.ts";
import { canAnswer, capabilitiesOf, isQuestion } from "./question-methods.ts";
import type { Upstream } from "./upstream.ts";

/** What a modern upstream wants before it goes on. */
export type InputRequired = { readonly requests: Params; readonly state: unknown };

/** The answers of a client, to be sent with the next round, or why there are none. */
export type RoundOutcome = { readonly ok: true; readonly responses: Params } | Failure;

/**
 * Whether an outcome of a modern upstream is no result but a demand for input, which a legacy
 * client does not know: it has to be asked (2026-07-28, patterns/mrtr).
 */
export function inputRequired(
  call: Call,
  upstream: Upstream,
  outcome: Outcome,
): InputRequired | null {
  if (!outcome.ok || upstream.era === "legacy" || call.session.era === "modern") return null;
  if (!outcome.result.text.includes('"input_required"')) return null;
  const result = outcome.result.value;
  if (!isObject(result) || result["resultType"] !== "input_required") return null;
  const requests = result["inputRequests"];
  return { requests: isObject(requests) ? requests : {}, state: result["requestState"] };
}

/** Puts all that is asked to the client of the call and waits for all of its answers. */
export function askRound(
  turn: Turn,
  call: Call,
  upstream: Upstream,
  { requests }: InputRequired,
  done: (turn: Turn, outcome: RoundOutcome) => void,
): void {
  const { session, request, channel } = call;
  const open = new Set<Exchange>();
  const responses: { [key: string]: unknown } = {};
  const name = `round ${upstream.nextRound++}`;
  const untilMs = turn.nowMs + LIMITS.parkedMs;
  const finish = (later: Turn, outcome: RoundOutcome): void => {
    upstream.questions.delete(name);
    session.pending.delete(request.id);
    for (const other of open) session.asks.withdraw(later, other, "not wanted any more");
    open.clear();
    done(later, outcome);
  };
  session.pending.set(request.id, {
    cancel: (later, reason) => finish(later, cancelled(request, reason)),
  });
  const fail = (later: Turn, text: string): void =>
    finish(later, failure(fault("question.nobody", text, upstream.name)));
  upstream.questions.set(name, {
    expire: (later) => {
      if (later.nowMs >= untilMs) fail(later, "The client has not answered");
    },
    // The demand was complete: whatever runs by then takes the answers.
    uncertain: [],
    drop: () => undefined,
  });
  const wanted = Object.entries(requests).map(([key, asked]) => {
    const { method, params } = isObject(asked) ? asked : {};
    return { key, method: String(method), params: isObject(params) ? params : undefined };
  });
  const capabilities = capabilitiesOf(session, channel);
  for (const { method, params } of wanted) {
    if (!isQuestion(method)) return fail(turn, `No client can be asked "${method}"`);
    if (canAnswer(capabilities, method, params)) continue;
    return fail(turn, `The client "${session.client.name}" cannot answer ${method}`);
  }
  for (const { key, method, params } of wanted) {
    const exchange = new Exchange({
      method,
      params: forLegacy(method, params, key),
      settle(later, outcome) {
        open.delete(exchange);
        if (!outcome.ok) return finish(later, outcome);
        responses[key] = outcome.result.value;
        if (open.size === 0) finish(later, { ok: true, responses });
      },
    });
    open.add(exchange);
    askClient(turn, session, exchange, channel);
  }
  if (open.size === 0) finish(turn, { ok: true, responses });
}

/** A legacy client needs an id for an elicitation by URL; the modern era has none. */
function forLegacy(method: string, params: Params | undefined, key: string): Params | undefined {
  if (method !== "elicitation/create" || params?.["mode"] !== "url") return params;
  return { elicitationId: key, ...params };
}
