import { afterAll, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { follow, lastLines } from "../../src/cli/log-reader.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";

const directory = mkdtempSync("/tmp/mcpd-");
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

test("lastLines() reads whole lines from the end", () => {
  const path = file("last", "1\n2\n3\nhalf");
  expect(lastLines(path, 2)).toEqual({ lines: ["2", "3"], end: 6 });
  expect(lastLines(path, 9)?.lines).toEqual(["1", "2", "3"]);
  expect(lastLines(path, 0)).toEqual({ lines: [], end: 6 });
  expect(lastLines(file("empty", ""), 2)).toEqual({ lines: [], end: 0 });
  expect(lastLines(join(directory, "none"), 2)).toBeNull();
});

test("lastLines() reads lines that cross its blocks", () => {
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} ${"ä".repeat(20)}`);
  const path = file("long", `${lines.join("\n")}\n`);
  expect(lastLines(path, 3000)?.lines).toEqual(lines.slice(-3000));
});

/** A clock whose sleep runs the next step of a script: what happens while nobody looks. */
function scripted(steps: readonly (() => void)[]): Clock {
  const rest = [...steps];
  return {
    ...systemClock,
    sleep: async () => {
      rest.shift()?.();
    },
  };
}

test("follow() reads on through appends, a rotation, a gap and a truncation", async () => {
  const path = file("follow.log", "old\n");
  const seen: string[] = [];
  const clock = scripted([
    () => appendFileSync(path, "one\nhal"),
    () => appendFileSync(path, "f\n"),
    () => {
      appendFileSync(path, "before\n");
      renameSync(path, `${path}.1`);
      writeFileSync(path, "after\n");
    },
    () => renameSync(path, `${path}.2`),
    () => writeFileSync(path, "again\n"),
    () => writeFileSync(path, "x\n"),
    () => appendFileSync(path, "end\n"),
  ]);
  await follow(path, 4, clock, (lines) => {
    seen.push(...lines);
    return !seen.includes("end");
  });
  expect(seen).toEqual(["one", "half", "before", "after", "again", "x", "end"]);
});
