import { expect, test } from "bun:test";

import fc from "fast-check";

import { BACKOFF, backoffDelay } from "../../src/core/backoff.ts";

test("backoffDelay() doubles from a quarter of a second up to thirty seconds", () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => backoffDelay(attempt, 0));
  expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("backoffDelay() takes off at most a quarter, whatever the attempt", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      (attempt, random01) => {
        const fullMs = backoffDelay(attempt, 0);
        const delayMs = backoffDelay(attempt, random01);
        expect(delayMs).toBeLessThanOrEqual(fullMs);
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(fullMs * 0.75));
        expect(fullMs).toBeLessThanOrEqual(BACKOFF.maxMs);
      },
    ),
  );
});
