import { LIMITS } from "./limits.ts";

/**
 * Whether a replica is trusted with requests. Open: not for now. Half-open: one cheap request is on
 * its way that decides. Times are monotonic milliseconds.
 */
export type Breaker =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly trips: number; readonly untilMs: number }
  | { readonly kind: "half-open"; readonly trips: number };

export const CLOSED: Breaker = { kind: "closed", failures: 0 };

/** It answered: whatever was wrong is over. */
export function afterAnswer(breaker: Breaker): Breaker {
  return breaker.kind === "closed" && breaker.failures === 0 ? breaker : CLOSED;
}

/** A request failed for a reason that lies with the replica; so many in a row open it. */
export function afterFailure(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.kind === "open") return breaker;
  const failures = breaker.kind === "closed" ? breaker.failures + 1 : LIMITS.breakerFailures;
  if (failures >= LIMITS.breakerFailures) return trip(breaker, nowMs);
  return { kind: "closed", failures };
}

/** It is certainly of no use now: open, each time in a row for twice as long. */
export function trip(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.kind === "open") return breaker;
  const trips = breaker.kind === "closed" ? 1 : breaker.trips + 1;
  const openMs = Math.min(LIMITS.breakerOpenMs * 2 ** (trips - 1), LIMITS.breakerOpenMsMax);
  return { kind: "open", trips, untilMs: nowMs + openMs };
}

/** Whether it is time to try one request. */
export function probeDue(breaker: Breaker, nowMs: number): boolean {
  return breaker.kind === "open" && breaker.untilMs <= nowMs;
}

/** The one request that decides is on its way. */
export function probing(breaker: Breaker): Breaker {
  return breaker.kind === "open" ? { kind: "half-open", trips: breaker.trips } : breaker;
}
