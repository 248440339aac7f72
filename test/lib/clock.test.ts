import { expect, test } from "bun:test";

import { systemClock } from "../../src/lib/clock.ts";

test("after() never acts early, whatever the fraction of a millisecond", async () => {
  const waits = Array.from({ length: 200 }, (_, index) => {
    const delayMs = 1 + (index % 10) * 0.99;
    const startMs = systemClock.monotonic();
    const { promise, resolve } = Promise.withResolvers<number>();
    systemClock.after(delayMs, () => resolve(systemClock.monotonic() - startMs - delayMs));
    return promise;
  });
  const overruns = await Promise.all(waits);
  expect(Math.min(...overruns)).toBeGreaterThanOrEqual(0);
});

test("cancel() keeps a timer from acting", async () => {
  const acted: string[] = [];
  systemClock.after(1, () => acted.push("cancelled")).cancel();
  await new Promise<void>((resolve) => void systemClock.after(5, resolve));
  expect(acted).toEqual([]);
});
