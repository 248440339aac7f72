import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "../../src/lib/clock.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import { Ledger, type LedgerEntry, MARKER_VARIABLE } from "../../src/supervise/ledger.ts";
import { posixTest } from "../helpers/posix.ts";
import { fixture, isRunning, jsonLines, quietLog, temporaryDirectory } from "./support.ts";

const platform = pickPlatform(process.env);
let directory = "";
let path = "";
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory, "data", "ledger.json");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ledger = (): Ledger => new Ledger(path, platform, systemClock, quietLog);
const entries = (): LedgerEntry[] => JSON.parse(readFileSync(path, "utf8")) as LedgerEntry[];

/** A process of this test, in a group of its own as upstreams are. */
async function stranger(env: Record<string, string> = {}): Promise<Bun.Subprocess> {
  const child = Bun.spawn([process.execPath, fixture("stubborn.ts")], {
    stdin: "ignore",
    stdout: "pipe",
    detached: true,
    env: { ...process.env, ...env },
  });
  await jsonLines(child.stdout)();
  return child;
}

/** Starts owner.ts, which starts a family, and kills it as the kernel would: without a word. */
async function orphans(): Promise<{ leader: number; grandchild: number }> {
  const owner = Bun.spawn([process.execPath, fixture("owner.ts"), path], {
    stdin: "ignore",
    stdout: "pipe",
  });
  const row = await jsonLines(owner.stdout)();
  owner.kill("SIGKILL");
  await owner.exited;
  return { leader: Number(row["leader"]), grandchild: Number(row["grandchild"]) };
}

describe("Ledger", () => {
  test("keeps who runs on disk, for the owner alone", async () => {
    const book = ledger();
    const child = await stranger();
    await book.add(child.pid, "fs", "marker");
    expect(entries()).toEqual([
      { pid: child.pid, identity: expect.any(String), upstream: "fs", marker: "marker" },
    ]);
    if (platform.name !== "windows") expect(statSync(path).mode & 0o777).toBe(0o600);
    book.remove(child.pid);
    expect(entries()).toEqual([]);
    child.kill("SIGKILL");
    await child.exited;
  });

  posixTest(
    "sweep() ends what a killed daemon leaves, also when only a grandchild is left",
    async () => {
      const { grandchild } = await orphans();
      // The leader leaves by itself, because its input has ended; the grandchild never would.
      expect(await isRunning(grandchild)).toBe(true);
      expect(await ledger().sweep(50)).toBe(1);
      expect(await isRunning(grandchild)).toBe(false);
      expect(entries()).toEqual([]);
      expect(await ledger().sweep(50)).toBe(0);
    },
  );

  test("sweep() spares a stranger that has the pid by now", async () => {
    const child = await stranger();
    await ledger().add(child.pid, "fs", "marker");
    const [entry] = entries();
    writeFileSync(path, JSON.stringify([{ ...entry, identity: "another start" }]));
    expect(await ledger().sweep(50)).toBe(0);
    expect(await isRunning(child.pid)).toBe(true);
    child.kill("SIGKILL");
    await child.exited;
  });

  posixTest("sweep() spares a group without its leader unless it carries the marker", async () => {
    const { leader, grandchild } = await orphans();
    while (await isRunning(leader)) await systemClock.sleep(5);
    const [entry] = entries();
    writeFileSync(path, JSON.stringify([{ ...entry, marker: "of somebody else" }]));
    expect(await ledger().sweep(50)).toBe(0);
    expect(await isRunning(grandchild)).toBe(true);
    writeFileSync(path, JSON.stringify([entry]));
    expect(await ledger().sweep(50)).toBe(1);
    expect(await isRunning(grandchild)).toBe(false);
  });

  test("sweep() takes a missing, broken or foreign file for an empty one", async () => {
    for (const content of [null, "{", "[1, {}, null]", '[{"pid":1,"identity":"x"}]', '"text"']) {
      if (content !== null) writeFileSync(path, content);
      expect(await ledger().sweep(50)).toBe(0);
    }
  });

  test("add() leaves out a process that is gone already", async () => {
    const child = await stranger({ [MARKER_VARIABLE]: "x" });
    child.kill("SIGKILL");
    await child.exited;
    const book = ledger();
    await book.add(child.pid, "fs", "x");
    await book.sweep(50);
    expect(entries()).toEqual([]);
  });
});
