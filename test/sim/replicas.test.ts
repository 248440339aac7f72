import { expect, test } from "bun:test";

import { Replicated } from "./replicated.ts";

const SEEDS = 60;

test("no write is done twice, and clients do not see that a replica died while they read", () => {
  let [reads, readsFailed, writes, unknown, refused, deaths] = [0, 0, 0, 0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcomes = new Replicated(seed).run(8, 400);
    reads += outcomes.reads;
    readsFailed += outcomes.readsFailed;
    writes += outcomes.writes;
    unknown += outcomes.unknown;
    refused += outcomes.refused;
    deaths += outcomes.deaths;
    if (outcomes.violations.length > 0) {
      throw new Error(`seed ${seed}\n${outcomes.violations.slice(0, 10).join("\n")}`);
    }
  }
  expect(readsFailed).toBe(0);
  expect(refused).toBe(0);
  // A simulation in which nothing happens proves nothing.
  expect(deaths).toBeGreaterThan(SEEDS * 20);
  expect(reads + writes).toBe(SEEDS * 400);
  expect(unknown).toBeGreaterThan(SEEDS);
  expect(unknown).toBeLessThan(writes / 10);
});
