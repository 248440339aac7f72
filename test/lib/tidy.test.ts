import { expect, test } from "bun:test";

import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { Tidy } from "../../src/lib/tidy.ts";

/** A clock whose timers go off when the test says so. */
function stopped() {
  const due: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    after(_delayMs, action) {
      due.push(action);
      return { cancel: () => void due.splice(due.indexOf(action), 1) };
    },
  };
  return { clock, due, pass: () => due.shift()?.() };
}

test("Tidy collects once it is quiet, and then leaves the processor alone", () => {
  const { clock, due, pass } = stopped();
  let collected = 0;
  const tidy = new Tidy(clock, () => (collected += 1));
  expect(due).toHaveLength(0);
  tidy.passed(100);
  pass();
  expect(collected).toBe(1);
  expect(due).toHaveLength(0);
  tidy.passed(100);
  tidy.stop();
  expect(due).toHaveLength(0);
});

test("Tidy waits while something passes, but not beyond a bound", () => {
  const { clock, due, pass } = stopped();
  let collected = 0;
  const tidy = new Tidy(clock, () => (collected += 1));
  tidy.passed(0);
  for (let round = 0; round < 3; round += 1) {
    tidy.passed(0);
    pass();
    tidy.passed(0);
  }
  expect([collected, due.length]).toEqual([0, 1]);
  for (let count = 0; count < 1_000; count += 1) tidy.passed(0);
  expect(collected).toBe(3);
  for (let count = 0; count < 10; count += 1) tidy.passed(1_000_000);
  expect(collected).toBeGreaterThan(5);
});
