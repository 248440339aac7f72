import type { Turn } from "./effect.ts";
import type { Call } from "./forward.ts";
import { faultCodeOf, type Outcome } from "./message.ts";
import type { Upstream } from "./upstream.ts";

/** How a call ended. "lost": the upstream went away, so the effect is unknown. */
export type CallOutcome = "ok" | "error" | "timed-out" | "cancelled" | "lost";

/** Whether it counts as an error: what its client has cancelled does not. */
export function isFailure(outcome: CallOutcome): boolean {
  return outcome !== "ok" && outcome !== "cancelled";
}

/** What one client request leaves behind for the log, the metrics and the history. */
export type CallRecord = {
  readonly sessionId: string;
  /** Name of the client as it introduced itself. */
  readonly client: string;
  readonly upstream: string;
  readonly method: string;
  /** Tool or prompt name at the upstream, resource URI, or "". */
  readonly target: string;
  readonly durationMs: number;
  /** Length of the result in UTF-16 code units, 0 for an error. */
  readonly resultLength: number;
  readonly outcome: CallOutcome;
  /**
   * "hit": the result was kept from before. "shared": an equal request was on its way. "miss": it
   * could have been either. "none": it had to be asked.
   */
  readonly reuse: "hit" | "shared" | "miss" | "none";
};

/** Leaves the trace of an answered request. */
export function recordCall(
  turn: Turn,
  { session, request }: Call,
  { name, counts }: Upstream,
  about: Pick<CallRecord, "target" | "durationMs" | "reuse">,
  outcome: Outcome,
): void {
  const came = outcomeOf(outcome);
  counts.calls += 1;
  if (isFailure(came)) counts.errors += 1;
  turn.add({
    kind: "record",
    record: {
      ...about,
      upstream: name,
      sessionId: session.id,
      client: session.client.name,
      method: request.method,
      resultLength: outcome.ok ? outcome.result.length : 0,
      outcome: came,
    },
  });
}

export function outcomeOf(outcome: Outcome): CallOutcome {
  if (outcome.ok) return "ok";
  const code = faultCodeOf(outcome);
  if (code === "exchange.cancelled") return "cancelled";
  if (code === "exchange.timed-out") return "timed-out";
  return code === "upstream.lost" ? "lost" : "error";
}
