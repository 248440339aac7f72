import { expect } from "bun:test";

import { runChaos } from "../../scripts/chaos/run.ts";
import { posixTest } from "../helpers/posix.ts";

// `bun run chaos` does this for as long as one likes, with full disks and clocks that jump.

const SEED = 4;

const PATIENCE_MS = 60_000;

async function short(): Promise<void> {
  const report = await runChaos({
    seed: SEED,
    seconds: 7,
    clients: { http: 3, sse: 1, ws: 1, bridge: 2, call: 1 },
    calmMs: 400,
    disk: false,
    clock: false,
    say: () => undefined,
  });
  expect(report.violations).toEqual([]);
  expect(Object.values(report.reconnects).every((count) => count === 0)).toBe(true);
  // A chaos in which nothing happens proves nothing.
  expect(report.done).toBeGreaterThan(200);
  expect(report.unknown.carriedOut + report.unknown.not + report.refused).toBeGreaterThan(5);
  expect(Object.keys(report.events).length).toBeGreaterThan(4);
}

posixTest(
  "whatever dies, every write is done once, refused, or said to be unknown",
  short,
  PATIENCE_MS,
);
