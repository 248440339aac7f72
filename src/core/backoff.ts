/** How restarts are spaced (MISSION A5). */
export type BackoffPolicy = {
  readonly firstMs: number;
  readonly maxMs: number;
  /** An instance that was ready for this long starts again at the first delay. */
  readonly stableMs: number;
};

export const BACKOFF: BackoffPolicy = { firstMs: 250, maxMs: 30_000, stableMs: 60_000 };

/**
 * The delay before restart number `attempt` (0 is the first): doubling up to the maximum, then
 * shortened by up to a quarter, so that instances that died together do not return together.
 * `random01` is a random number from 0 to below 1.
 */
export function backoffDelay(
  attempt: number,
  random01: number,
  policy: BackoffPolicy = BACKOFF,
): number {
  const fullMs = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(fullMs * (1 - random01 / 4));
}
