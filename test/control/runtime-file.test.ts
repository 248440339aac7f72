import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  isAlive,
  readRuntime,
  removeRuntime,
  type Runtime,
  writeRunning,
} from "../../src/control/runtime-file.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

const RUNTIME: Runtime = { pid: 4, identity: "x", version: "1", startedAtMs: 1, server: null };

test("the runtime file is read back, removed by its owner alone, and never a reason to fail", () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "deep", "runtime.json");
  expect(readRuntime(path)).toBeNull();
  writeRunning(path, RUNTIME);
  expect(readRuntime(path)).toEqual(RUNTIME);
  removeRuntime(path, 5);
  expect(existsSync(path)).toBe(true);
  removeRuntime(path, 4);
  expect(existsSync(path)).toBe(false);
  for (const text of ["", "{", "null", "[]", '{"pid":"1","identity":"x"}', '{"pid":1}']) {
    writeFileSync(path, text);
    expect(readRuntime(path)).toBeNull();
  }
});

test("a pid alone does not make a process the one that wrote it", async () => {
  const { processIdentity } = pickPlatform(process.env);
  const identity = (await processIdentity(process.pid)) ?? "";
  expect(await isAlive({ pid: process.pid, identity }, processIdentity)).toBe(true);
  expect(await isAlive({ pid: process.pid, identity: "earlier" }, processIdentity)).toBe(false);
});
