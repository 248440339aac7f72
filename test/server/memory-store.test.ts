import { afterEach, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "../../src/lib/clock.ts";
import type { Log } from "../../src/lib/log.ts";
import { MemoryStore } from "../../src/server/memory-store.ts";
import { Board } from "../helpers/board.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { unitOf } from "../helpers/unit.ts";

const quiet = { warning: () => {} } as unknown as Log;
const directory = new TemporaryDirectory();
const file = join(directory.path, "catalog.json");

afterEach(() => writeFileSync(file, ""));

function storeWith(tools: readonly string[]): MemoryStore {
  const board = new Board();
  board.apply(unitOf("files"));
  const entries = tools.map((name) => ({ name, inputSchema: {} }));
  const store = new MemoryStore(directory.path, systemClock, quiet);
  store.keep(board.start("files", { tools: entries }));
  store.close();
  return store;
}

test("what is kept is there for the next run", () => {
  storeWith(["read"]);
  const memory = new MemoryStore(directory.path, systemClock, quiet).recall(unitOf("files"));
  expect(memory?.listings.tools.entries).toEqual([{ name: "read", inputSchema: {} }]);
  expect(memory?.introduction.server.name).toBe("files-server");
  const other = unitOf("files", { hash: "another command" });
  expect(new MemoryStore(directory.path, systemClock, quiet).recall(other)).toBeNull();
});

posixTest("the file is the user's alone", () => {
  storeWith(["read"]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test.each([
  "",
  "no json",
  "[]",
  '{"version":99,"memories":{}}',
  '{"version":1,"memories":{"x":1}}',
])("a file that says %p is one that is not there", (text) => {
  writeFileSync(file, text);
  const store = new MemoryStore(directory.path, systemClock, quiet);
  expect(store.recall(unitOf("files"))).toBeNull();
});

test("nothing is written when nothing was said", () => {
  writeFileSync(file, "untouched");
  new MemoryStore(directory.path, systemClock, quiet).close();
  expect(readFileSync(file, "utf8")).toBe("untouched");
});
