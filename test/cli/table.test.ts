import { expect, test } from "bun:test";

import { paint } from "../../src/cli/style.ts";
import { cut, table } from "../../src/cli/table.ts";

const COLUMNS = [{ title: "NAME" }, { title: "N", align: "right" }, { title: "TEXT" }] as const;

test("table() aligns columns and leaves nothing behind the last word", () => {
  expect(
    table(COLUMNS, [
      ["a", "1", "short"],
      ["longer", "100", ""],
    ]),
  ).toMatchInlineSnapshot(`
    "NAME      N  TEXT
    a         1  short
    longer  100"
  `);
});

test("table() cuts the last column to the width", () => {
  const text = table(COLUMNS, [["a", "1", "a text that is too long"]], 20);
  expect(text.split("\n")[1]).toBe("a     1  a text tha…");
});

test("table() measures what is seen: colours have no width, wide characters two", () => {
  const color = paint(true);
  const lines = table(
    [{ title: "A" }, { title: "B" }],
    [
      [color("red", "x"), "1"],
      ["日本", "2"],
    ],
  ).split("\n");
  expect(lines.map((line) => Bun.stringWidth(line))).toEqual([7, 7, 7]);
});

test("cut() leaves what fits", () => {
  expect(cut("abc", 3)).toBe("abc");
  expect(cut("abcd", 3)).toBe("ab…");
});

test("table() lets no cell steer the terminal, and keeps its colours", () => {
  const clipboard = "\u001b]52;c;ZXZpbA==\u0007";
  const shown = table(
    [{ title: "T" }],
    [[`${paint(true)("red", "a")}${clipboard}\u001b[2J\u009b`]],
  );
  expect(shown).toBe("T\n\u001b[31ma\u001b[0m\\e]52;c;ZXZpbA==\\x07\\e[2J\\x9b");
});
