import type { Exchange } from "./exchange.ts";
import { type Fault, fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { type Failure, failure, type Params } from "./message.ts";
import type { Unit, UnitSettings } from "./unit.ts";

/** How long the answer to a request may take, in milliseconds. */
export function timeoutOf(
  { method, background }: Exchange,
  { requestTimeoutMs, startTimeoutMs }: UnitSettings,
  phase: string,
  era: Unit["era"],
): number {
  // The result of a task comes when the task is done (2025-11-25, utilities/tasks).
  if (background || method === "tasks/result") return Number.POSITIVE_INFINITY;
  if (method === "server/discover" && era === "auto") return LIMITS.probeMs;
  // Whoever runs the process watches its start and says more about it: this is the second line.
  return phase === "opening" ? startTimeoutMs * 2 : requestTimeoutMs;
}

/** What becomes of a request that took longer. */
export function timedOut({ method }: Exchange, upstream: string): Failure {
  const text = `${method} timed out: upstream "${upstream}" has not answered`;
  return failure(fault("exchange.timed-out", text, upstream));
}

/** What becomes of a request that nobody wants to be answered any more. */
export function cancelled({ method }: Pick<Exchange, "method">, reason: string): Failure {
  return failure(fault("exchange.cancelled", `${method} was cancelled: ${reason}`));
}

/** What a legacy upstream is sent: what a modern client brings for mcpd is not for it. */
export function paramsForLegacy(
  { session }: Exchange,
  params: Params | undefined,
): Params | undefined {
  if (session?.era !== "modern" || params === undefined) return params;
  const { inputResponses: _answers, requestState: _state, task: _task, ...rest } = params;
  return rest;
}

/** What a write is told whose upstream went away: it is not sent again. */
export function lostWith({ read }: Exchange, problem: Fault, name: string): Fault {
  const text = read ? problem.text : `${problem.text}; the outcome of the request is unknown`;
  return fault("upstream.lost", text, name);
}
