import type { Channel, Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { fault } from "./fault.ts";
import { answerFor, type Call } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import { failure, type Outcome, type Params, type Request } from "./message.ts";
import { failedCall } from "./own-tools.ts";
import type { World } from "./world.ts";

/** Nothing is written while several calls run for one: their outcomes come back together. */
const together: Channel = { streams: false, mustAnswer: true, write: () => {} };

/**
 * Carries out several calls of tools at once and answers with all of their results, in the order of
 * the calls (MISSION D7). `start` takes one of them like a call of its own.
 */
export function callMany(
  world: World,
  turn: Turn,
  call: Call,
  start: (turn: Turn, inner: Call) => void,
): void {
  const calls = callsOf(call);
  if (calls === null) {
    const most = LIMITS.callsTogether;
    const text = `arguments.calls has to be a list of 1 to ${most} objects with a name`;
    return answerFor(world, turn, call, failedCall(text));
  }
  const { session, request } = call;
  const outcomes: (Outcome | null)[] = calls.map(() => null);
  let left = calls.length;
  const idOf = (index: number): string => `\u0000${JSON.stringify(request.id)}/${index}`;
  session.pending.set(request.id, {
    cancel(later, reason) {
      for (const index of outcomes.keys()) session.pending.get(idOf(index))?.cancel(later, reason);
    },
  });
  for (const [index, params] of calls.entries()) {
    const inner: Request = { kind: "request", id: idOf(index), method: "tools/call", params };
    const deliver = (later: Turn, outcome: Outcome): void => {
      if (outcomes[index] !== null) return;
      outcomes[index] = outcome;
      left -= 1;
      if (left === 0) answerFor(world, later, call, gathered(calls, outcomes));
    };
    start(turn, { session, request: inner, channel: together, deliver });
  }
}

function callsOf({ request }: Call): readonly Params[] | null {
  const input = request.params?.["arguments"];
  const calls: unknown = isObject(input) ? input["calls"] : undefined;
  if (!Array.isArray(calls) || calls.length === 0 || calls.length > LIMITS.callsTogether)
    return null;
  if (!calls.every((one) => isObject(one) && typeof one["name"] === "string")) return null;
  return (calls as readonly Params[]).map(({ name, arguments: given }) => ({
    name,
    arguments: given ?? {},
  }));
}

/** Each result under a line that names its call; it has failed when all of them have. */
function gathered(calls: readonly Params[], outcomes: readonly (Outcome | null)[]): Params {
  const results = outcomes.map((outcome) => resultOf(outcome ?? failure(fault("internal"))));
  const content = results.flatMap(({ parts, failed }, index) => {
    const state = failed ? "failed" : "done";
    const text = `[${index + 1} of ${calls.length}: ${String(calls[index]?.["name"])}, ${state}]`;
    return [{ type: "text", text }, ...parts];
  });
  return { content, isError: results.every(({ failed }) => failed) };
}

function resultOf(outcome: Outcome): {
  readonly parts: readonly unknown[];
  readonly failed: boolean;
} {
  if (!outcome.ok) return { parts: [{ type: "text", text: outcome.error.message }], failed: true };
  const { value } = outcome.result;
  if (!isObject(value)) return { parts: [], failed: true };
  if ((value["resultType"] ?? "complete") !== "complete") {
    const text = "It needs an answer of the user first: call it alone.";
    return { parts: [{ type: "text", text }], failed: true };
  }
  const content: unknown = value["content"];
  return { parts: Array.isArray(content) ? content : [], failed: value["isError"] === true };
}
