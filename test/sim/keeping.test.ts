import { expect, test } from "bun:test";

import { Keeping } from "./keeping.ts";

const SEEDS = 100;

test("nobody is shown what was before a write, and sessions go on through crashes", () => {
  const sums = { asked: 0, hits: 0, writes: 0, crashes: 0, revived: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = new Keeping(seed);
    run.run(200);
    if (run.violations.length > 0) {
      throw new Error(`bun run sim ${seed}\n${run.violations.slice(0, 10).join("\n")}`);
    }
    for (const key of ["asked", "hits", "writes", "crashes", "revived"] as const) {
      sums[key] += run.counts[key];
    }
  }
  // A simulation in which nothing happens proves nothing.
  expect(sums.hits).toBeGreaterThan(SEEDS * 3);
  expect(sums.writes).toBeGreaterThan(SEEDS * 10);
  expect(sums.crashes).toBeGreaterThan(SEEDS / 2);
  expect(sums.revived).toBeGreaterThan(SEEDS);
});
