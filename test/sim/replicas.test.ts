import { expect, test } from "bun:test";

import { type Outcomes, Replicated } from "./replicated.ts";
import { Totals } from "./totals.ts";

const SEEDS = 60;

test("no write is done twice, and clients do not see that a replica died while they read", () => {
  const totals = new Totals<Outcomes>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    totals.add(`seed ${seed}`, new Replicated(seed).run(8, 400));
  }
  expect(totals.of("readsFailed")).toBe(0);
  expect(totals.of("refused")).toBe(0);
  // A simulation in which nothing happens proves nothing.
  expect(totals.of("deaths")).toBeGreaterThan(SEEDS * 20);
  expect(totals.of("reads") + totals.of("writes")).toBe(SEEDS * 400);
  expect(totals.of("unknown")).toBeGreaterThan(SEEDS);
  expect(totals.of("unknown")).toBeLessThan(totals.of("writes") / 10);
});
