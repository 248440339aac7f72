import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

import { LIMITS } from "../../src/core/limits.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Log } from "../../src/lib/log.ts";
import { ResultShelf } from "../../src/server/result-shelf.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

const silent: Log = {
  debug() {},
  info() {},
  warning() {},
  error() {},
  enabled: () => false,
  child: () => silent,
};

function shelfIn(directory: string, nowMs = (): number => 0): ResultShelf {
  return new ResultShelf(directory, { ...systemClock, now: nowMs }, silent);
}

test("a result is good until its time is over", () => {
  using directory = new TemporaryDirectory();
  let nowMs = 0;
  const shelf = shelfIn(directory.path, () => nowMs);
  shelf.keep("key", "files", "{}", 1_000);
  nowMs = 999;
  expect(shelf.take("key")).toBe("{}");
  nowMs = 1_000;
  expect(shelf.take("key")).toBeNull();
  expect(shelf.memory.entries).toBe(0);
  shelf.close();
});

test("what is good for long is there for the next daemon; the rest, and other groups, are not", () => {
  using directory = new TemporaryDirectory();
  const first = shelfIn(directory.path);
  first.keep("long", "files", '{"a":1}', 3_600_000);
  first.keep("short", "files", "{}", 1_000);
  first.close();
  expect(statSync(join(directory.path, "results.db")).mode & 0o777).toBe(0o600);
  const second = shelfIn(directory.path);
  expect(second.take("long")).toBe('{"a":1}');
  expect(second.take("short")).toBeNull();
  expect(second.disk).toEqual({ entries: 1, bytes: 7 });
  second.forget("others");
  expect(second.take("long")).toBe('{"a":1}');
  second.forget("files");
  expect(second.take("long")).toBeNull();
  second.close();
  const third = shelfIn(directory.path);
  expect(third.take("long")).toBeNull();
  third.close();
});

test("nothing is written for who keeps nothing", () => {
  using directory = new TemporaryDirectory();
  const shelf = shelfIn(directory.path);
  expect(shelf.take("key")).toBeNull();
  shelf.forget("files");
  shelf.close();
  expect(existsSync(join(directory.path, "results.db"))).toBe(false);
});

test("memory is bounded in bytes, and what is too large for it is not kept", () => {
  using directory = new TemporaryDirectory();
  const shelf = shelfIn(directory.path);
  const megabyte = "x".repeat(1_048_576);
  for (let number = 0; number < 100; number++) shelf.keep(String(number), "files", megabyte, 1_000);
  expect(shelf.memory.bytes).toBeLessThanOrEqual(LIMITS.reuseBytes);
  expect(shelf.take("99")).toBe(megabyte);
  expect(shelf.take("0")).toBeNull();
  shelf.keep("poison", "files", "x".repeat(LIMITS.reuseBytes), 1_000);
  expect(shelf.take("poison")).toBeNull();
  expect(shelf.take("99")).toBe(megabyte);
  shelf.close();
});
