import type { Breaker } from "./breaker.ts";

/** What counts of one replica when a request has to go to one of several. */
export type Candidate = {
  /** Its handshake is done. */
  readonly ready: boolean;
  readonly breaker: Breaker["kind"];
  /** Requests it works on, or that wait in front of it. */
  readonly inFlight: number;
  /** Sessions that stay with it. */
  readonly homes: number;
};

const TRUST = { closed: 0, "half-open": 1, open: 2 } as const;

/**
 * Which replica gets a request (MISSION D4): its index, or -1 when none can take it. A session
 * stays with its home while that is trusted; else the most trusted, the least in flight, the fewest
 * sessions, the first. `avoid` has just failed with this very request. One that is not trusted
 * still serves when there is no other: refusing for certain is worse than trying.
 */
export function place(candidates: readonly Candidate[], home: number, avoid: number): number {
  const standing = candidates[home];
  if (home !== avoid && standing?.ready === true && standing.breaker === "closed") return home;
  let best = -1;
  for (const [index, candidate] of candidates.entries()) {
    if (!candidate.ready || index === avoid) continue;
    const other = candidates[best];
    if (other === undefined || better(candidate, other)) best = index;
  }
  return best;
}

function better(one: Candidate, other: Candidate): boolean {
  const trust = TRUST[one.breaker] - TRUST[other.breaker];
  if (trust !== 0) return trust < 0;
  if (one.inFlight !== other.inFlight) return one.inFlight < other.inFlight;
  return one.homes < other.homes;
}
