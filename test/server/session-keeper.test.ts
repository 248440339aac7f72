import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";

import { Conditions } from "../../src/core/condition.ts";
import type { KeptSession } from "../../src/core/kept-session.ts";
import { type Door, Session } from "../../src/core/session.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { SessionKeeper } from "../../src/server/session-keeper.ts";
import { silentLog } from "../helpers/doors.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

const IDLE_MS = 600_000;

const KEPT: KeptSession = {
  view: { kind: "all" },
  principal: "key",
  project: null,
  askedRoots: false,
  protocolVersion: "2025-06-18",
  client: { name: "ann", version: "1" },
  capabilities: {},
  logLevel: null,
  listed: false,
  subscriptions: [["file:///a", "files"]],
};

/** Daemons that follow each other, at a time that the test sets. */
class Line implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly conditions = new Conditions();
  readonly said: string[] = [];
  nowMs = 0;
  /** How far somebody has set the time of day. */
  setMs = 0;

  next(): SessionKeeper {
    return new SessionKeeper({
      dataDir: this.directory.path,
      clock: { ...systemClock, now: () => this.nowMs + this.setMs, monotonic: () => this.nowMs },
      log: { ...silentLog, warning: (text) => void this.said.push(text) },
      conditions: this.conditions,
      keptOf: ({ pending, streamed }) => (streamed ? { ...KEPT, owed: [...pending.keys()] } : KEPT),
      idleMs: () => IDLE_MS,
    });
  }

  get file(): string {
    return join(this.directory.path, "sessions.db");
  }

  change(statement: string, ...values: string[]): void {
    using database = new Database(this.file);
    database.query(statement).run(...values);
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

function session(id: string, door: Door = "http"): Session {
  return new Session({ id, view: { kind: "all" }, principal: "key", project: null, door });
}

test("a session that is in use is not forgotten, however long ago it changed", () => {
  using line = new Line();
  const first = line.next();
  const [used, idle] = [session("used"), session("idle")];
  first.keep([used, idle].map((one) => ({ session: one, seenMs: 0 })));
  for (line.nowMs = 0; line.nowMs <= 2 * IDLE_MS; line.nowMs += 60_000) {
    first.note([
      { session: used, seenMs: line.nowMs },
      { session: idle, seenMs: 0 },
    ]);
  }
  // Killed: nothing is written at its end.
  const second = line.next();
  expect(second.recall("used", "key", "http")).toEqual(KEPT);
  expect(second.recall("idle", "key", "http")).toBeNull();
  expect(second.recall("used", "another", "http")).toBeNull();
  expect(second.recall("used", "key", "sse")).toBeNull();
  first.close();
  second.close();
});

test("a session outlives the daemon when the clock is set, on or back", () => {
  for (const setMs of [2 * IDLE_MS, -2 * IDLE_MS]) {
    using line = new Line();
    const first = line.next();
    const one = { session: session("a"), seenMs: 0 };
    first.keep([one]);
    line.nowMs = 5_000;
    line.setMs = setMs;
    first.note([one]);
    const second = line.next();
    expect(second.recall("a", "key", "http")).toEqual(KEPT);
    line.nowMs += IDLE_MS;
    expect(second.recall("a", "key", "http")).toBeNull();
    first.close();
    second.close();
  }
});

test.each([
  "{}",
  "no JSON",
  '{"view":{"kind":"all"}}',
  JSON.stringify({ ...KEPT, subscriptions: null }),
  JSON.stringify({ ...KEPT, subscriptions: [1] }),
  JSON.stringify({ ...KEPT, capabilities: null }),
  JSON.stringify({ ...KEPT, client: "ann" }),
  JSON.stringify({ ...KEPT, view: { kind: "one" } }),
  JSON.stringify({ ...KEPT, logLevel: "loud" }),
])("what is no session any more is none: %s", (body) => {
  using line = new Line();
  const keeper = line.next();
  keeper.keep([{ session: session("a"), seenMs: 0 }]);
  keeper.close();
  line.change("UPDATE sessions SET body = ?", body);
  const next = line.next();
  expect(next.recall("a", "key", "http")).toBeNull();
  next.close();
});

test("a file that was removed is made anew with what lives", () => {
  using line = new Line();
  const keeper = line.next();
  const one = { session: session("a"), seenMs: 0 };
  const other = { session: session("b"), seenMs: 0 };
  keeper.keep([one, other]);
  for (const part of ["", "-wal", "-shm"]) rmSync(`${line.file}${part}`);
  line.nowMs = 5_000;
  keeper.note([one]);
  const next = line.next();
  expect(next.recall("a", "key", "http")).toEqual(KEPT);
  expect(next.recall("b", "key", "http")).toBeNull();
  expect(line.said).toEqual([expect.stringContaining(`lost with ${line.file}: it was removed`)]);
  keeper.close();
  next.close();
});

test("a file that stays locked costs persistence, and is said", () => {
  using line = new Line();
  const keeper = line.next();
  keeper.keep([{ session: session("a"), seenMs: 0 }]);
  using other = new Database(line.file);
  other.run("BEGIN EXCLUSIVE");
  keeper.forget("a");
  keeper.keep([{ session: session("b"), seenMs: 0 }]);
  expect(keeper.recall("a", "key", "http")).toBeNull();
  expect(line.conditions.list().map(({ name }) => name)).toEqual(["sessions.not-kept"]);
  keeper.close();
});

test("who waits for an answer on a stream is written down while the wait lasts", () => {
  using line = new Line();
  const keeper = line.next();
  const used = { session: session("a", "sse"), seenMs: 0 };
  const quick = { session: session("b", "ws"), seenMs: 0 };
  const owed = (): unknown => keeper.recall("a", "key", "http")?.owed;
  for (const one of [used, quick]) keeper.asked(one);
  used.session.pending.set(7, { cancel: () => undefined });
  expect(owed()).toBeUndefined();
  keeper.noteOwed();
  expect(owed()).toEqual([7]);
  expect(keeper.recall("b", "key", "http")).toBeNull();
  used.session.pending.clear();
  keeper.noteOwed();
  expect(owed()).toEqual([]);
  used.session.pending.set(8, { cancel: () => undefined });
  keeper.keep([used]);
  keeper.left(used);
  used.session.pending.clear();
  keeper.noteOwed();
  expect(owed()).toEqual([8]);
  keeper.close();
});
