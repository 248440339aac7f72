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
