import { expect, test } from "bun:test";

import { formatBytes, formatCount, formatDuration } from "../../src/lib/text.ts";

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

test("formatCount() is singular for one only", () => {
  expect([0, 1, 2].map((count) => formatCount(count, "file"))).toEqual([
    "0 files",
    "1 file",
    "2 files",
  ]);
});
