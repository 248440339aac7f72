import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";

import { watchConfig } from "../../src/config/watch.ts";
import { type Clock, systemClock, type Timer } from "../../src/lib/clock.ts";
import { posixTest } from "../helpers/posix.ts";
import { waitFor } from "../helpers/wait.ts";

/** So long that only an announcement of the system can be what was noticed. */
const NEVER_MS = 3_600_000;
const OFTEN_MS = 20;

let directory = "";
let path = "";
let stop = (): void => undefined;
beforeEach(() => {
  directory = mkdtempSync("/tmp/mcpd-");
  mkdirSync(`${directory}/c`);
  path = `${directory}/c/config.json`;
  writeFileSync(path, "0");
});
afterEach(() => {
  stop();
  rmSync(directory, { recursive: true, force: true });
});

type Watched = {
  /** Resolves when a change was noticed and the file then reads so; null: there is no file. */
  until(content: string | null): Promise<void>;
  count(): number;
};

function watched(pollMs: number, clock = systemClock): Watched {
  let count = 0;
  let wake = Promise.withResolvers<void>();
  const watcher = watchConfig(path, {
    clock,
    pollMs,
    changed() {
      count++;
      wake.resolve();
    },
  });
  stop = () => watcher.close();
  return {
    count: () => count,
    async until(content) {
      do {
        await wake.promise;
        wake = Promise.withResolvers();
      } while (read() !== content);
    },
  };
}

function read(): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function saveAtomically(text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}

/** A clock whose polls come when the test says so. */
function handClock(): { readonly clock: Clock; poll(): void } {
  let action = (): void => undefined;
  const every = (_periodMs: number, given: () => void): Timer => {
    action = given;
    return { cancel: () => undefined };
  };
  return { clock: { ...systemClock, every }, poll: () => action() };
}

describe("watchConfig() hears from the system", () => {
  test("of a file written in place", async () => {
    const file = watched(NEVER_MS);
    writeFileSync(path, "1");
    await file.until("1");
  });

  test("of one atomic save after the other", async () => {
    const file = watched(NEVER_MS);
    for (const text of ["1", "2", "3", "4"]) {
      saveAtomically(text);
      await file.until(text);
    }
    expect(file.count()).toBe(4);
  });

  test("of a file that goes and comes back", async () => {
    const file = watched(NEVER_MS);
    rmSync(path);
    await file.until(null);
    writeFileSync(path, "1");
    await file.until("1");
  });

  posixTest("of rights that are taken and given back", async () => {
    const file = watched(NEVER_MS);
    for (const mode of [0o000, 0o600]) {
      const before = file.count();
      chmodSync(path, mode);
      await waitFor("the change", () => file.count() > before);
    }
  });

  test("of a save of what a link points to", async () => {
    mkdirSync(`${directory}/dotfiles`);
    renameSync(path, `${directory}/dotfiles/real.json`);
    symlinkSync(`${directory}/dotfiles/real.json`, path);
    const file = watched(NEVER_MS);
    writeFileSync(`${directory}/dotfiles/real.json`, "1");
    await file.until("1");
  });
});

describe("watchConfig() finds out by itself", () => {
  test("when a link is swapped, and hears of its new target after that", async () => {
    for (const name of ["one", "two"]) {
      mkdirSync(`${directory}/${name}`);
      writeFileSync(`${directory}/${name}/config.json`, name);
    }
    rmSync(`${directory}/c`, { recursive: true });
    symlinkSync("one", `${directory}/c`);
    const file = watched(OFTEN_MS);
    symlinkSync("two", `${directory}/next`);
    renameSync(`${directory}/next`, `${directory}/c`);
    await file.until("two");
    saveAtomically("three");
    await file.until("three");
  });

  test("when the directory is removed and made again, and hears of the new one", async () => {
    const byHand = handClock();
    const file = watched(NEVER_MS, byHand.clock);
    rmSync(`${directory}/c`, { recursive: true });
    await file.until(null);
    mkdirSync(`${directory}/c`);
    byHand.poll();
    saveAtomically("1");
    await file.until("1");
    saveAtomically("2");
    await file.until("2");
  });

  test("when the directory comes only later", async () => {
    rmSync(`${directory}/c`, { recursive: true });
    const file = watched(OFTEN_MS);
    mkdirSync(`${directory}/c`);
    writeFileSync(path, "1");
    await file.until("1");
  });
});

test("watchConfig() reports content, not times: an equal save is no change", () => {
  let count = 0;
  const { clock, poll } = handClock();
  const deaf: Clock = { ...clock, after: () => ({ cancel: () => undefined }) };
  stop = watchConfig(path, { clock: deaf, pollMs: NEVER_MS, changed: () => count++ }).close;
  for (const [change, expected] of [
    [() => utimesSync(path, 1, 1), 0],
    [() => saveAtomically("0"), 0],
    [() => saveAtomically("1"), 1],
    [() => utimesSync(path, 2, 2), 1],
    [() => rmSync(path), 2],
    [() => undefined, 2],
  ] as const) {
    change();
    poll();
    expect(count).toBe(expected);
  }
});

test("watchConfig() is silent after close()", async () => {
  const file = watched(OFTEN_MS);
  stop();
  saveAtomically("1");
  const other = watched(OFTEN_MS);
  saveAtomically("2");
  await other.until("2");
  expect(file.count()).toBe(0);
});
