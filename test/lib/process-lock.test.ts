import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

import { ProcessLock } from "../../src/lib/process-lock.ts";
import { posixTest } from "../helpers/posix.ts";
import { ROOT } from "../helpers/sources.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

test("a lock is had by one at a time, and leaves no file", () => {
  using directory = new TemporaryDirectory();
  const path = directory.file("x.lock");
  {
    using first = ProcessLock.take(path);
    expect(first).not.toBeNull();
    expect(existsSync(path)).toBe(true);
    // Nothing is written for it: it can be had on a full disk.
    expect([statSync(path).size, existsSync(`${path}-journal`)]).toEqual([0, false]);
  }
  expect(existsSync(path)).toBe(false);
  using second = ProcessLock.take(path);
  expect(second).not.toBeNull();
});

posixTest("of many processes one has it at a time, however often it changes hands", async () => {
  using directory = new TemporaryDirectory();
  const script = join(ROOT, "test", "fixtures", "process", "lock-rival.ts");
  const rivals = Array.from({ length: 5 }, () =>
    Bun.spawn([process.execPath, script, directory.file("x.lock"), "1500"], { stdout: "pipe" }),
  );
  const said = await Promise.all(rivals.map(({ stdout }) => new Response(stdout).json()));
  const rows = said as { readonly held: number; readonly crowded: number }[];
  expect(rows.map(({ crowded }) => crowded)).toEqual([0, 0, 0, 0, 0]);
  expect(rows.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThan(20);
});

test("a lock that cannot be made says why", () => {
  using directory = new TemporaryDirectory();
  expect(() => ProcessLock.take(directory.file("nowhere", "x.lock"))).toThrow("ENOENT");
});
