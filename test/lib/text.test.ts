import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import {
  didYouMean,
  editDistance,
  formatBytes,
  formatDuration,
  suggest,
} from "../../src/lib/text.ts";

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
  expect(didYouMean("prot", ["port"])).toBe(' Did you mean "port"?');
  expect(didYouMean("banana", ["port"])).toBe("");
});

test("editDistance() counts a swap of neighbours as one and is symmetric", () => {
  expect(editDistance("ab", "ba")).toBe(1);
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, a)).toBe(0);
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test.each([
  [0, "0 ms"],
  [0.42, "0.4 ms"],
  [120.4, "120 ms"],
  [999.6, "1 s"],
  [2000, "2 s"],
  [2540, "2.5 s"],
  [59_990, "1 min"],
  [200_000, "3 min 20 s"],
  [3_600_000, "1 h"],
  [7_500_000, "2 h 5 min"],
  [187_200_000, "2 d 4 h"],
  [-2000, "-2 s"],
])("formatDuration(%p) is %p", (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KB"],
  [1_048_576, "1 MB"],
  [13_002_342, "12.4 MB"],
  [1_048_575, "1 MB"],
  [5_368_709_120, "5 GB"],
])("formatBytes(%p) is %p", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
