import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";

import { systemClock } from "../../src/lib/clock.ts";
import { withFileLock } from "../../src/lib/file-lock.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

describe("withFileLock()", () => {
  test("lets one in at a time, and leaves nothing behind", async () => {
    using directory = new TemporaryDirectory();
    const path = directory.file("lock");
    let inside = 0;
    let most = 0;
    const work = async (number: number): Promise<number> => {
      most = Math.max(most, ++inside);
      await Bun.sleep(1);
      inside -= 1;
      return number;
    };
    const numbers = Array.from({ length: 8 }, (_, index) => index);
    const all = numbers.map((number) => withFileLock(path, systemClock, () => work(number)));
    expect(await Promise.all(all)).toEqual(numbers);
    expect(most).toBe(1);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("is open again after a failure", async () => {
    using directory = new TemporaryDirectory();
    const path = directory.file("lock");
    const fail = (): Promise<void> => Promise.reject(new Error("no"));
    expect(await withFileLock(path, systemClock, fail).catch(String)).toBe("Error: no");
    expect(existsSync(path)).toBe(false);
  });

  test("is taken at once from whoever died with it, whatever the time of day is", async () => {
    using directory = new TemporaryDirectory();
    const path = directory.file("lock");
    const dead = Bun.spawnSync(["true"]);
    for (const hours of [-24, 0, 24]) {
      writeFileSync(path, String(dead.pid));
      const then = new Date(systemClock.now() + hours * 3_600_000);
      utimesSync(path, then, then);
      expect(await withFileLock(path, systemClock, () => Promise.resolve("mine"))).toBe("mine");
      expect(readdirSync(directory.path)).toEqual([]);
    }
  });

  test("is not taken from a living holder when the clock is set, but after a minute", async () => {
    using directory = new TemporaryDirectory();
    const path = directory.file("lock");
    writeFileSync(path, String(process.pid));
    const longAgo = new Date(systemClock.now() - 86_400_000);
    utimesSync(path, longAgo, longAgo);
    let nowMs = 0;
    const sleep = async (delayMs: number): Promise<void> => void (nowMs += delayMs);
    const clock = { ...systemClock, monotonic: () => nowMs, sleep };
    await withFileLock(path, clock, () => Promise.resolve());
    expect(nowMs).toBeGreaterThanOrEqual(60_000);
  });

  test("says what the system says when the file cannot be made", async () => {
    using directory = new TemporaryDirectory();
    const path = directory.file("nowhere", "lock");
    const problem = await withFileLock(path, systemClock, () => Promise.resolve()).catch(String);
    expect(problem).toContain("ENOENT");
  });
});
