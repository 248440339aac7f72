import { expect, test } from "bun:test";

import { Ticker } from "../../src/server/ticker.ts";
import { BeatClock } from "../helpers/doors.ts";

function setUp() {
  const clock = new BeatClock();
  const seen = { busy: false, asked: 0, ticks: 0 };
  const ticker = new Ticker(clock, {
    busy() {
      seen.asked += 1;
      return seen.busy;
    },
    tick: () => void (seen.ticks += 1),
  });
  return { clock, seen, ticker };
}

test("a ticker ticks while time matters, and not before or after", () => {
  const { clock, seen, ticker } = setUp();
  ticker.start();
  clock.beat(3);
  expect(seen.ticks).toBe(0);
  seen.busy = true;
  ticker.start();
  clock.beat(3);
  expect(seen.ticks).toBe(3);
  seen.busy = false;
  clock.beat(3);
  expect(seen.ticks).toBe(4);
});

test("while it ticks, a start asks nothing: to look at all instances for each message is dear", () => {
  const { seen, ticker } = setUp();
  seen.busy = true;
  for (let message = 0; message < 100; message++) ticker.start();
  expect(seen.asked).toBe(1);
});

test("a closed ticker does not tick again", () => {
  const { clock, seen, ticker } = setUp();
  seen.busy = true;
  ticker.start();
  ticker.close();
  ticker.start();
  clock.beat(3);
  expect(seen.ticks).toBe(0);
});
