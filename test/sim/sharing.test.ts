import { expect, test } from "bun:test";

import { HISTORIES } from "./history.ts";
import { Sharing } from "./sharing.ts";

const SEEDS = 150;

test("every request is answered exactly once, to its own client, whatever the servers do", () => {
  let requests = 0;
  let restarts = 0;
  let updates = 0;
  let questions = 0;
  let refusals = 0;
  let replicated = 0;
  let resized = 0;
  let rests = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const history of HISTORIES) {
      const report = new Sharing(seed).run(history);
      requests += report.requests;
      restarts += report.restarts;
      updates += report.updates;
      questions += report.questions;
      refusals += report.refusals;
      replicated += report.replicated;
      resized += report.resized;
      rests += report.rests;
      if (report.violations.length > 0) {
        throw new Error(`bun run sim ${seed}\n${report.violations.slice(0, 10).join("\n")}`);
      }
    }
  }
  // A simulation in which nothing happens proves nothing.
  expect(requests).toBeGreaterThan(SEEDS * 100);
  // Two that ask at once before mcpd knows that they do are refused: rare, and never wrong.
  expect(questions).toBeGreaterThan(SEEDS * 10);
  expect(refusals).toBeLessThan(questions / 10);
  expect(replicated).toBeGreaterThan(SEEDS);
  expect(resized).toBeGreaterThan(SEEDS / 2);
  expect(rests).toBeGreaterThan(SEEDS);
  expect(updates).toBeGreaterThan(SEEDS);
  expect(restarts).toBeGreaterThan(SEEDS / 10);
});
