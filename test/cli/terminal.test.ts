import { expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";

import { wantsColor, writeAll } from "../../src/cli/terminal.ts";
import { isTerminal } from "../../src/lib/terminal.ts";
import { posixTest } from "../helpers/posix.ts";
import { Bench } from "./bench.ts";

test("writeAll() writes all of it and says when nobody reads", () => {
  const path = `/tmp/mcpd-write-${process.pid}`;
  const file = openSync(path, "w");
  const text = "ä".repeat(300_000);
  expect(writeAll(file, text)).toBe(true);
  expect(isTerminal(file)).toBe(false);
  closeSync(file);
  expect(readFileSync(path, "utf8")).toBe(text);
  rmSync(path);
});

posixTest("isTerminal() knows that nobody is at /dev/null", () => {
  const nothing = openSync("/dev/null", "r");
  expect(isTerminal(nothing)).toBe(false);
  closeSync(nothing);
});

test("wantsColor() lets flag and environment decide before the terminal", () => {
  expect(wantsColor(true, true, {})).toBe(true);
  expect(wantsColor(true, false, {})).toBe(false);
  expect(wantsColor(false, true, { FORCE_COLOR: "1" })).toBe(false);
  expect(wantsColor(true, true, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
  expect(wantsColor(true, true, { NO_COLOR: "" })).toBe(true);
  expect(wantsColor(true, false, { FORCE_COLOR: "1" })).toBe(true);
  expect(wantsColor(true, true, { FORCE_COLOR: "0" })).toBe(false);
  expect(wantsColor(true, true, { TERM: "dumb" })).toBe(false);
});

test("writeAll() says that the disk is full", () => {
  // Only Linux has a device that is always full.
  if (!existsSync("/dev/full")) return;
  const full = openSync("/dev/full", "w");
  const subject = "standard output";
  const problem = { text: "Cannot write the output: the disk is full", subject };
  expect(() => writeAll(full, "text")).toThrow(
    expect.objectContaining({ fault: expect.objectContaining(problem) }),
  );
  closeSync(full);
});

test("with --json and a full disk the words go to standard error, if they can", async () => {
  if (!existsSync("/dev/full")) return;
  using bench = new Bench();
  const full = openSync("/dev/full", "w");
  const words = [process.execPath, "src/main.ts", "status", "--json"];
  const heard = Bun.spawn(words, { env: bench.environment, stdout: full, stderr: "pipe" });
  expect(await new Response(heard.stderr).text()).toContain("The daemon is not running");
  expect(await heard.exited).toBe(69);
  const unheard = Bun.spawn(words, { env: bench.environment, stdout: full, stderr: full });
  expect(await unheard.exited).toBe(69);
  closeSync(full);
});
