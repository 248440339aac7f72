import { expect, test } from "bun:test";

import { grows, soak } from "../../scripts/soak/run.ts";
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
  expect(first?.lowestBytes).toBeGreaterThan(1_000_000);
  expect(first?.highestBytes).toBeGreaterThanOrEqual(first?.lowestBytes ?? Number.NaN);
  expect(first?.sessions).toBeGreaterThan(5);
  expect(last?.calls).toBeGreaterThan(20);
}

linuxTest("a soak calls on every wire and reads what the daemon takes", short, PATIENCE_MS);

function samplesOf(...lowest: readonly number[]): { minute: number; lowestBytes: number }[] {
  const minutes = [1, 10, 20, 30];
  return lowest.map((lowestBytes, at) => ({ minute: minutes[at] ?? 0, lowestBytes }));
}

test("memory grows when its lowest does, once it has settled", () => {
  expect(grows(samplesOf(17, 24, 27, 28))).toBe(false);
  expect(grows(samplesOf(17, 24, 27, 24))).toBe(false);
  expect(grows(samplesOf(17, 24, 27, 31))).toBe(true);
  expect(grows(samplesOf(17))).toBe(false);
});
