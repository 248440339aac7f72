import { expect } from "bun:test";

import { soak } from "../../scripts/soak/run.ts";
import { linuxTest } from "../helpers/posix.ts";

// `bun run soak` does this for half an hour.

const PATIENCE_MS = 30_000;

async function short(): Promise<void> {
  const report = await soak({
    marks: [1 / 60, 2 / 60],
    signal: new AbortController().signal,
    say: () => undefined,
  });
  expect(report.wrong).toEqual([]);
  const [first, last] = report.samples;
  expect(first?.anonymousBytes).toBeGreaterThan(1_000_000);
  expect(first?.sessions).toBeGreaterThan(5);
  expect(last?.calls).toBeGreaterThan(20);
}

linuxTest("a soak calls on every wire and reads what the daemon takes", short, PATIENCE_MS);
