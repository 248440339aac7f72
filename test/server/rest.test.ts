import { expect, test } from "bun:test";

import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { Rest } from "../../src/server/rest.ts";

test("what work has left is given back in the first quiet while after it, once", () => {
  let usedMs = 0;
  let given = 0;
  let look = (): void => undefined;
  const clock: Clock = {
    ...systemClock,
    every(_periodMs, action) {
      look = action;
      return { cancel: () => (look = () => undefined) };
    },
  };
  const rest = new Rest(
    clock,
    () => usedMs,
    () => (given += 1),
  );
  const after = (ms: number): number => {
    usedMs += ms;
    look();
    return given;
  };
  expect([after(200), after(60), after(5), after(5)]).toEqual([0, 0, 1, 1]);
  // A few calls are not worth it, however often there is a pause.
  expect([after(40), after(0), after(40), after(0)]).toEqual([1, 1, 1, 1]);
  expect([after(40), after(0), after(0)]).toEqual([1, 2, 2]);
  rest.close();
  expect([after(200), after(0)]).toEqual([2, 2]);
});
