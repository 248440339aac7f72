import { expect, test } from "bun:test";

import { type Condition, Conditions } from "../../src/core/condition.ts";

const failed: Condition = {
  name: "upstream.failed",
  subject: "files",
  severity: "error",
  text: "It exited",
  hint: "See its log.",
  sinceMs: 10,
};

test("raise() keeps one condition per name and subject, with the time it began", () => {
  const conditions = new Conditions();
  expect(conditions.raise(failed)).toBe(true);
  expect(conditions.raise({ ...failed, sinceMs: 20 })).toBe(false);
  expect(conditions.raise({ ...failed, text: "It exited again", sinceMs: 30 })).toBe(true);
  expect(conditions.list()).toEqual([{ ...failed, text: "It exited again" }]);
});

test("list() and verdict() put the worst first", () => {
  const conditions = new Conditions();
  expect(conditions.verdict()).toBe("healthy");
  conditions.raise({ ...failed, name: "note", severity: "info" });
  expect(conditions.verdict()).toBe("healthy");
  conditions.raise({ ...failed, name: "open", severity: "warning" });
  expect(conditions.verdict()).toBe("degraded");
  conditions.raise(failed);
  expect(conditions.verdict()).toBe("degraded");
  expect(conditions.list().map((row) => row.severity)).toEqual(["error", "warning", "info"]);
  conditions.raise({ ...failed, name: "port.in-use", subject: "" });
  expect(conditions.verdict()).toBe("unhealthy");
  conditions.clear("port.in-use");
  expect(conditions.clear("upstream.failed", "files")).toBe(true);
  expect(conditions.clear("upstream.failed", "files")).toBe(false);
  expect(conditions.verdict()).toBe("degraded");
});

test("clearName() clears all that has the name and nothing else", () => {
  const conditions = new Conditions();
  conditions.raise(failed);
  conditions.raise({ ...failed, subject: "memory" });
  conditions.raise({ ...failed, name: "upstream.scope" });
  conditions.clearName("upstream.failed");
  expect(conditions.list().map((row) => row.name)).toEqual(["upstream.scope"]);
});
