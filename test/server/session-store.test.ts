import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { renameSync, rmSync, statSync } from "node:fs";

import type { KeptSession } from "../../src/core/kept-session.ts";
import { type Row, SessionStore } from "../../src/server/session-store.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

/** A store at a file, with a clock of its own and what it has said. */
class Scene implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly path = this.directory.file("sessions.db");
  readonly said: string[] = [];
  nowMs = 0;

  store(): SessionStore {
    return new SessionStore(
      {
        path: this.path,
        failed: () => this.said.push("failed"),
        mended: () => this.said.push("mended"),
        lost: (why) => this.said.push(why),
      },
      { monotonic: () => this.nowMs },
    );
  }

  /** Another process that writes, and does not end: to the store it is what a full disk is. */
  occupy(): Disposable {
    const database = new Database(this.path);
    database.run("BEGIN IMMEDIATE");
    return {
      [Symbol.dispose]() {
        database.run("ROLLBACK");
        database.close();
      },
    };
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

function row(id: string): Row {
  const kept: KeptSession = {
    view: { kind: "all" },
    principal: id,
    project: null,
    askedRoots: false,
    protocolVersion: "2025-06-18",
    client: { name: "test", version: "1" },
    capabilities: {},
    logLevel: null,
    listed: false,
    subscriptions: [],
  };
  return { id, kept, seenMs: 1 };
}

test("what cannot be written is written when it can, and is known meanwhile", () => {
  using scene = new Scene();
  const store = scene.store();
  store.write([row("early"), row("ended")]);
  const occupied = scene.occupy();
  store.write([row("late"), { ...row("ended"), kept: null }]);
  expect(scene.said).toEqual(["failed"]);
  expect(store.read("early")?.kept.principal).toBe("early");
  expect(store.read("late")?.kept.principal).toBe("late");
  expect(store.read("ended")).toBeNull();
  occupied[Symbol.dispose]();
  store.write([]);
  expect(scene.said).toEqual(["failed"]);
  scene.nowMs += 2_000;
  store.write([]);
  expect(scene.said).toEqual(["failed", "mended"]);
  const next = scene.store();
  expect(next.read("late")?.kept.principal).toBe("late");
  expect(next.read("ended")).toBeNull();
  next.close();
  store.close();
});

test("a store that begins where nothing can be written still reads", () => {
  using scene = new Scene();
  const first = scene.store();
  first.write([row("kept")]);
  first.close();
  using _occupied = scene.occupy();
  const store = scene.store();
  expect(store.read("kept")?.kept.principal).toBe("kept");
  expect(scene.said).toEqual([]);
  store.close();
});

test("the end writes what is still owed", () => {
  using scene = new Scene();
  const store = scene.store();
  store.write([row("early")]);
  const occupied = scene.occupy();
  store.write([row("late")]);
  occupied[Symbol.dispose]();
  store.close();
  const next = scene.store();
  expect(next.read("late")?.kept.principal).toBe("late");
  next.close();
});

test("leaves room for the next: what it would need on a full disk is there already", () => {
  using scene = new Scene();
  const first = scene.store();
  first.write([row("a")]);
  first.close();
  for (const log of ["-wal", "-shm"]) expect(statSync(scene.path + log).size).toBeGreaterThan(0);
  const second = scene.store();
  expect(second.read("a")?.kept.principal).toBe("a");
  second.close();
});

test("a file that somebody removes is made anew within a second", () => {
  using scene = new Scene();
  const store = scene.store();
  for (const id of ["a", "b"]) store.write([row(id)]);
  for (const end of ["", "-wal", "-shm"]) rmSync(`${scene.path}${end}`, { force: true });
  scene.nowMs += 1_000;
  store.write([]);
  expect(scene.said).toEqual(["it was removed"]);
  store.write([row("c")]);
  store.close();
  const next = scene.store();
  expect(next.read("c")).not.toBeNull();
  next.close();
});

test("a file of a newer mcpd is left alone until it is moved away", () => {
  using scene = new Scene();
  const newer = new Database(scene.path);
  newer.run("PRAGMA user_version = 99");
  newer.close();
  const store = scene.store();
  store.write([row("a")]);
  expect(scene.said).toEqual(["failed"]);
  renameSync(scene.path, `${scene.path}.newer`);
  scene.nowMs += 2_000;
  store.write([]);
  expect(scene.said).toEqual(["failed", "mended"]);
  store.close();
});
