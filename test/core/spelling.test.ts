import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { didYouMean, suggest, typos } from "../../src/core/spelling.ts";

describe("suggest()", () => {
  const keys = ["port", "host", "log_level", "timeout_secs", "auto_reconnect", "mcpServers"];

  test.each([
    ["prot", "port"],
    ["hots", "host"],
    ["logLevel", "log_level"],
    ["LOG-LEVEL", "log_level"],
    ["timeout", "timeout_secs"],
    ["autoReconect", "auto_reconnect"],
    ["mcp_servers", "mcpServers"],
  ])("takes %p for %p", (word, meant) => {
    expect(suggest(word, keys)).toBe(meant);
  });

  test.each([["banana"], ["x"], [""], ["__"]])("has no idea what %p means", (word) => {
    expect(suggest(word, keys)).toBeNull();
  });

  test("finds a word with any one letter dropped", () => {
    const word = fc.stringMatching(/^[a-z]{4,12}$/);
    fc.assert(
      fc.property(word, fc.nat(), (meant, seed) => {
        const gap = seed % meant.length;
        expect(suggest(meant.slice(0, gap) + meant.slice(gap + 1), [meant])).toBe(meant);
      }),
    );
  });
});

test("didYouMean() asks only when there is something to ask", () => {
  expect(didYouMean("prot", ["port"])).toBe('. Did you mean "port"?');
  expect(didYouMean("banana", ["port"])).toBe("");
});

test("typos() counts wrong, missing, added and swapped letters, up to a limit", () => {
  expect(typos("branch", "branch", 2)).toBe(0);
  expect(typos("brnach", "branch", 2)).toBe(1);
  expect(typos("banch", "branch", 2)).toBe(1);
  expect(typos("branchh", "brench", 2)).toBe(2);
  expect(typos("kitten", "sitting", 2)).toBe(3);
  expect(typos("a", "abcdef", 2)).toBe(3);
});

test("typos() is the same from both sides, none for a word itself, and never above its limit", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(8), (a, b, most) => {
      expect(typos(a, b, most)).toBe(typos(b, a, most));
      expect(typos(a, a, most)).toBe(0);
      expect(typos(a, b, most)).toBeLessThanOrEqual(most + 1);
    }),
  );
});
