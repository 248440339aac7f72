import { describe, expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { applyFix, CHECKS, examine } from "../../src/doctor/examine.ts";
import { commandIn, type Finding } from "../../src/doctor/finding.ts";
import type { Check } from "../../src/doctor/scene.ts";
import { shellWord } from "../../src/lib/text.ts";
import { SceneHome } from "./scene.ts";

const FINDING: Finding = {
  name: "a.thing",
  subject: "",
  severity: "info",
  what: "A thing",
  why: "Because",
  mend: "mcpd status",
  fix: null,
};

function check(title: string, run: Check["run"]): Check {
  return { title, limitMs: 50, run };
}

describe("an examination", () => {
  test("tells the worst first, and whom it still waits for", async () => {
    using home = new SceneHome();
    const waits: string[] = [];
    const checks = [
      check("one", () => [FINDING]),
      check("two", async () => [{ ...FINDING, severity: "error" }]),
    ];
    const found = await examine(home.scene(), checks, (left) => waits.push(left.join(" ")));
    expect(found.map(({ severity }) => severity)).toEqual(["error", "info"]);
    expect(waits[0]).toBe("one two");
    expect(waits.at(-1)).toBe("");
  });

  test("goes on when a check fails, and when one hangs", async () => {
    using home = new SceneHome();
    const checks = [
      check("broken", () => {
        throw new Error("it broke");
      }),
      check("endless", () => new Promise(() => undefined)),
      check("good", () => [FINDING]),
    ];
    const found = await examine(home.scene(), checks);
    expect(found.map(({ name, subject }) => `${name} ${subject}`)).toEqual([
      "check.failed broken",
      "check.slow endless",
      "a.thing ",
    ]);
    expect(found[0]?.why).toBe("it broke");
  });

  test("has a name for every check, each once", () => {
    const titles = CHECKS.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe("a fix", () => {
  test("says why it is not done", async () => {
    const failing = async () => fault("file.failed", "Cannot write it");
    const broken = async () => {
      throw new Error("it broke");
    };
    const done = async () => null;
    const problems = [failing, broken, done].map((apply) =>
      applyFix({ ...FINDING, fix: { text: "Do it", apply } }),
    );
    expect(await Promise.all(problems)).toEqual(["Cannot write it", "it broke", null]);
  });
});

describe("the command that mends it", () => {
  test("is the one that the hint names", () => {
    expect(commandIn("Log in with 'mcpd auth tickets'.")).toBe("mcpd auth tickets");
    expect(commandIn("It can be read by others (chmod 600 /a/b)")).toBe("chmod 600 /a/b");
    expect(commandIn("Wait for it.")).toBe("");
  });

  test("can be pasted into a shell", () => {
    expect(shellWord("/a/b-c")).toBe("/a/b-c");
    expect(shellWord("/a b/it's")).toBe(`'/a b/it'\\''s'`);
  });
});
