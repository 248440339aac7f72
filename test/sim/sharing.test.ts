import { expect, test } from "bun:test";

import { HISTORIES } from "./history.ts";
import type { Report } from "./report.ts";
import { Sharing } from "./sharing.ts";
import { Totals } from "./totals.ts";

const SEEDS = 150;

test("every request is answered exactly once, to its own client, whatever the servers do", () => {
  const totals = new Totals<Report>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const history of HISTORIES) {
      totals.add(`bun run sim ${seed}`, new Sharing(seed).run(history));
    }
  }
  // A simulation in which nothing happens proves nothing.
  expect(totals.of("requests")).toBeGreaterThan(SEEDS * 100);
  // Two that ask at once before mcpd knows that they do are refused: rare, and never wrong.
  expect(totals.of("questions")).toBeGreaterThan(SEEDS * 10);
  expect(totals.of("refusals")).toBeLessThan(totals.of("questions") / 10);
  expect(totals.of("replicated")).toBeGreaterThan(SEEDS);
  expect(totals.of("resized")).toBeGreaterThan(SEEDS / 2);
  expect(totals.of("rests")).toBeGreaterThan(SEEDS);
  expect(totals.of("updates")).toBeGreaterThan(SEEDS);
  expect(totals.of("restarts")).toBeGreaterThan(SEEDS / 10);
});
