import { expect, test } from "bun:test";

import fc from "fast-check";

import { matches, toolAllowed } from "../../src/core/policy.ts";

test("matches() agrees with a regular expression on any pattern", () => {
  const letters = fc.stringMatching(/^[ab*?]{0,8}$/);
  fc.assert(
    fc.property(letters, fc.stringMatching(/^[ab]{0,10}$/), (pattern, name) => {
      const source = pattern.replaceAll("*", ".*").replaceAll("?", ".");
      expect(matches(pattern, name)).toBe(new RegExp(`^${source}$`).test(name));
    }),
  );
});

test("matches() stays fast on a pattern made to be slow", () => {
  expect(matches("*a".repeat(50), "b".repeat(5_000))).toBe(false);
});

test("toolAllowed() lets deny win over allow, and an empty allow means all", () => {
  expect(toolAllowed({ allow: [], deny: [] }, "read")).toBe(true);
  expect(toolAllowed({ allow: ["read*"], deny: [] }, "write")).toBe(false);
  expect(toolAllowed({ allow: ["*"], deny: ["write"] }, "write")).toBe(false);
  expect(toolAllowed({ allow: ["read*"], deny: ["read_all"] }, "read_one")).toBe(true);
});
