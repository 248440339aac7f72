import { expect, test } from "bun:test";

import { type Candidate, place } from "../../src/core/placement.ts";

const up = (change: Partial<Candidate> = {}): Candidate => {
  return { ready: true, breaker: "closed", inFlight: 0, homes: 0, ...change };
};
const away = up({ ready: false });
const open = up({ breaker: "open" });
const busy = up({ inFlight: 3 });

type Row = readonly [string, readonly Candidate[], number, number, number];

const NONE = -1;
const ROWS: readonly Row[] = [
  ["the first of equals", [up(), up(), up()], NONE, NONE, 0],
  ["least in flight", [busy, up({ inFlight: 2 }), up({ inFlight: 1 })], NONE, NONE, 2],
  [
    "of equally busy ones that with fewest sessions",
    [up({ homes: 2 }), up({ homes: 1 })],
    NONE,
    NONE,
    1,
  ],
  ["what is ready, however busy", [away, busy], NONE, NONE, 1],
  ["what is trusted, however busy", [open, busy], NONE, NONE, 1],
  [
    "what is being tried before what is not trusted",
    [open, up({ breaker: "half-open" })],
    NONE,
    NONE,
    1,
  ],
  ["one that is not trusted when there is no other", [away, open], NONE, NONE, 1],
  ["none when none is ready", [away, away], NONE, NONE, NONE],
  ["the home of a session, however busy", [up(), busy], 1, NONE, 1],
  ["another while the home is not trusted", [up(), open], 1, NONE, 0],
  ["another while the home is away", [busy, away], 1, NONE, 0],
  ["not where it has just failed", [up(), busy], NONE, 0, 1],
  ["not the home where it has just failed", [up(), busy], 0, 0, 1],
  ["none when it has failed at the only one", [up(), away], NONE, 0, NONE],
  ["none of none", [], NONE, NONE, NONE],
];

test.each(ROWS)("a request goes to %s", (_, candidates, home, avoid, expected) => {
  expect(place(candidates, home, avoid)).toBe(expected);
});
