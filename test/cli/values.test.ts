import { expect, test } from "bun:test";

import { millisecondsOf, timeoutMsOf } from "../../src/cli/values.ts";

test("a time-out is above 0 and no longer than a timer can be", () => {
  expect([0.2, 60, 86_400].map(millisecondsOf)).toEqual([200, 60_000, 86_400_000]);
  expect([0, -1, 86_401, 1e9, Infinity, NaN].map(millisecondsOf)).toEqual(Array(6).fill(null));
  expect(timeoutMsOf(undefined, "call")).toBeUndefined();
  expect(() => timeoutMsOf("1e9", "call")).toThrow('at most a day (86400), received "1e9"');
});
