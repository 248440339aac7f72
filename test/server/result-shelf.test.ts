import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { LIMITS } from "../../src/core/limits.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { ResultShelf } from "../../src/server/result-shelf.ts";
import { silentLog } from "../helpers/doors.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

function shelfIn(directory: string, nowMs = (): number => 0): ResultShelf {
  return new ResultShelf(directory, { ...systemClock, now: nowMs }, silentLog);
}

test("a result is good until its time is over", () => {
  using directory = new TemporaryDirectory();
  let nowMs = 0;
  const shelf = shelfIn(directory.path, () => nowMs);
  shelf.keep("key", "files", "{}", 1_000);
  nowMs = 999;
  expect(shelf.take("key")?.text).toBe("{}");
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
  expect(second.take("long")?.text).toBe('{"a":1}');
  expect(second.take("short")).toBeNull();
  expect(second.disk).toEqual({ entries: 1, bytes: 7 });
  second.forget("others");
  expect(second.take("long")?.text).toBe('{"a":1}');
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
  expect(shelf.take("99")?.text).toBe(megabyte);
  expect(shelf.take("0")).toBeNull();
  shelf.keep("poison", "files", "x".repeat(LIMITS.reuseBytes), 1_000);
  expect(shelf.take("poison")).toBeNull();
  expect(shelf.take("99")?.text).toBe(megabyte);
  shelf.close();
});

test("a clock that is set back makes nothing good for longer", () => {
  using directory = new TemporaryDirectory();
  let nowMs = 10_000_000;
  const shelf = shelfIn(directory.path, () => nowMs);
  shelf.keep("key", "files", "{}", 100_000);
  nowMs += 60_000;
  expect(shelf.take("key")).toEqual({ text: "{}", ageMs: 60_000 });
  nowMs -= 3_600_000;
  expect(shelf.take("key")).toBeNull();
  shelf.close();
});

test("what is no JSON any more is not given, and tables of an earlier form are made anew", () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "results.db");
  const first = shelfIn(directory.path);
  first.keep("key", "files", '{"a":1}', 3_600_000);
  first.close();
  const change = (...statements: string[]): void => {
    using database = new Database(path);
    for (const statement of statements) database.run(statement);
  };
  change(`UPDATE results SET body = '{"a":1' || char(10) || '{"jsonrpc":"2.0"}'`);
  const second = shelfIn(directory.path);
  expect(second.take("key")).toBeNull();
  second.close();
  const old =
    "CREATE TABLE results (key TEXT PRIMARY KEY, origin TEXT, untilMs INTEGER, body TEXT)";
  change("DROP TABLE results", old, "PRAGMA user_version = 1");
  const third = shelfIn(directory.path);
  third.keep("key", "files", '{"a":2}', 3_600_000);
  third.close();
  const fourth = shelfIn(directory.path);
  expect(fourth.take("key")?.text).toBe('{"a":2}');
  fourth.close();
});

test("a file that cannot be told to forget gives nothing to the next daemon", () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "results.db");
  const first = shelfIn(directory.path);
  first.keep("key", "files", '{"a":1}', 3_600_000);
  first.close();
  const second = shelfIn(directory.path);
  expect(second.take("key")?.text).toBe('{"a":1}');
  using other = new Database(path);
  other.run("BEGIN EXCLUSIVE");
  second.forget("files");
  other.run("ROLLBACK");
  expect(second.take("key")).toBeNull();
  second.close();
  const third = shelfIn(directory.path);
  expect(third.take("key")).toBeNull();
  third.close();
});

test("damage that shows only when it is read costs what was kept, not the keeping", () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "results.db");
  const first = shelfIn(directory.path);
  for (let number = 0; number < 200; number++) {
    first.keep(`key ${number}`, "files", JSON.stringify({ text: "x".repeat(2_000) }), 3_600_000);
  }
  first.close();
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0x5a, 12_288));
  const second = shelfIn(directory.path);
  for (let number = 0; number < 200; number++) second.take(`key ${number}`);
  second.keep("new", "files", '{"a":1}', 3_600_000);
  second.close();
  expect(existsSync(`${path}.damaged`)).toBe(true);
  const third = shelfIn(directory.path);
  expect(third.take("new")?.text).toBe('{"a":1}');
  third.close();
});
