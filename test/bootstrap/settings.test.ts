import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { Settings } from "../../src/bootstrap/settings.ts";
import { defaultRevision } from "../../src/config/resolve.ts";
import { Conditions } from "../../src/core/condition.ts";
import { isFault } from "../../src/core/fault.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor } from "../helpers/wait.ts";
import { quietLog } from "../supervise/support.ts";

const { daemon } = defaultRevision(pickPlatform(process.env));

/** Settings whose reader prints what a file holds. */
function scene(directory: string): {
  readonly settings: Settings;
  readonly conditions: Conditions;
  readonly firsts: boolean[];
  readonly offsets: number[];
  readonly count: () => number;
  answer(text: string): void;
} {
  const answers = join(directory, "answer.json");
  const conditions = new Conditions();
  const firsts: boolean[] = [];
  const offsets: number[] = [];
  let changes = 0;
  const script = `process.stdout.write(await Bun.file(${JSON.stringify(answers)}).text())`;
  const settings = new Settings({
    path: join(directory, "config.json"),
    command(first) {
      firsts.push(first);
      return [process.execPath, "-e", script];
    },
    conditions,
    clock: systemClock,
    log: quietLog,
    localTime: (utcOffsetMs) => offsets.push(utcOffsetMs),
    changed: () => (changes += 1),
  });
  const answer = (text: string): void => writeFileSync(answers, text);
  return { settings, conditions, firsts, count: () => changes, offsets, answer };
}

const answerOf = (changes: object, problem: object | null = null): string =>
  JSON.stringify({ daemon: { ...daemon, ...changes }, problem, utcOffsetMs: 3_600_000 });

test("Settings read the file again when it changes, and keep what is in force", async () => {
  using directory = new TemporaryDirectory();
  const { settings, conditions, firsts, offsets, count, answer } = scene(directory.path);
  answer(answerOf({ enabled: false }));
  expect(await settings.open()).toBeNull();
  expect(settings.current.enabled).toBe(false);
  expect(offsets).toEqual([3_600_000]);
  answer(answerOf({ enabled: true }));
  writeFileSync(join(directory.path, "config.json"), "{}");
  await waitFor("the change", () => settings.current.enabled && count() === 1);
  const standing = "line 1: wrong; the defaults are in force";
  const text = "line 1: wrong\n  1 | {";
  const problem = { code: "config.invalid", text, standing, hint: "Fix it." };
  answer(answerOf({ enabled: true }, problem));
  await settings.read();
  expect(conditions.list()).toMatchObject([{ name: "config.invalid", text: standing }]);
  answer("no JSON");
  await settings.read();
  expect(settings.current.enabled).toBe(true);
  answer(answerOf({ enabled: true }));
  await settings.read();
  expect(conditions.list()).toEqual([]);
  expect(firsts).toEqual([true, false, false, false, false]);
  settings.close();
});

test("Settings without an answer are a fault, not a guess", async () => {
  using directory = new TemporaryDirectory();
  const { settings } = scene(directory.path);
  expect(isFault(await settings.open())).toBe(true);
  settings.close();
});
