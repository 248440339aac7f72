import { expect, test } from "bun:test";

import {
  afterAnswer,
  afterFailure,
  type Breaker,
  CLOSED,
  probeDue,
  probing,
  trip,
} from "../../src/core/breaker.ts";
import { LIMITS } from "../../src/core/limits.ts";

test("so many failures in a row open it, and an answer between them starts the count again", () => {
  let breaker: Breaker = CLOSED;
  for (let count = 1; count < LIMITS.breakerFailures; count++) {
    breaker = afterFailure(breaker, 0);
  }
  expect(breaker.kind).toBe("closed");
  expect(afterFailure(afterAnswer(breaker), 0).kind).toBe("closed");
  expect(afterFailure(breaker, 0).kind).toBe("open");
});

test("it is open for twice as long each time, up to a limit", () => {
  const lengths: number[] = [];
  let breaker: Breaker = CLOSED;
  for (let count = 0; count < 8; count++) {
    breaker = trip(probing(breaker), 0);
    if (breaker.kind === "open") lengths.push(breaker.untilMs);
  }
  expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("one probe is due when its time is over, and its answer closes it", () => {
  const open = trip(CLOSED, 500);
  expect(probeDue(open, 1_499)).toBe(false);
  expect(probeDue(open, 1_500)).toBe(true);
  const half = probing(open);
  expect(half.kind).toBe("half-open");
  expect(probeDue(half, 9_999)).toBe(false);
  expect(afterAnswer(half)).toBe(CLOSED);
  expect(afterFailure(half, 1_600)).toEqual({ kind: "open", trips: 2, untilMs: 3_600 });
});

test("a failure while it is open does not make it open for longer", () => {
  const open = trip(CLOSED, 0);
  expect(afterFailure(open, 900)).toBe(open);
  expect(trip(open, 900)).toBe(open);
  expect(probing(CLOSED)).toBe(CLOSED);
});
