import { expect, test } from "bun:test";

import { diff } from "../../src/cli/diff.ts";

test("diff() shows what changed with two lines around it", () => {
  expect(diff("a\nb\nc\nd\ne\nf", "a\nb\nc\nX\nY\ne\nf")).toBe("  b\n  c\n- d\n+ X\n+ Y\n  e\n  f");
});

test("diff() knows an insertion, a removal and nothing", () => {
  expect(diff("a\nb", "a\nx\nb")).toBe("  a\n+ x\n  b");
  expect(diff("a\na\nb", "a\nb")).toBe("  a\n- a\n  b");
  expect(diff("a", "a")).toBe("");
});

test("diff() does not end in the empty line behind the last one", () => {
  expect(diff("a\nb\n", "a\nx\n")).toBe("  a\n- b\n+ x");
  expect(diff("a", "a\n")).toBe("  a\n+");
});
