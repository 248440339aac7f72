import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { parseConfig, type Parsed } from "../../src/config/parse.ts";
import { type Fault, isFault } from "../../src/core/fault.ts";

function parsed(text: string): Parsed {
  const result = parseConfig(text, "/c/mcpd.config.json");
  if (isFault(result)) throw new Error(result.text);
  return result;
}

function refused(text: string): Fault {
  const result = parseConfig(text, "/c/mcpd.config.json");
  if (!isFault(result)) throw new Error("it was accepted");
  return result;
}

describe("parseConfig()", () => {
  test("reads comments, trailing commas and a byte order mark", () => {
    const text = '\uFEFF{ // note\n  "a": [1, 2,], /* more */\n}\n';
    expect(parsed(text).value).toEqual({ a: [1, 2] });
  });

  test("reads any JSON as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, null, 2);
        expect(parsed(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  test("locates values and keys, and the nearest thing around what is missing", () => {
    const text = '{\n  "daemon": {\n    "port": 80\n  },\n  "list": [ 1, { "x": 2 } ]\n}';
    const { locate } = parsed(text);
    expect(locate(["daemon", "port"])).toMatchObject({ line: 3, column: 13 });
    expect(locate(["daemon", "port"], "key")).toMatchObject({ line: 3, column: 5 });
    expect(locate(["list", 1, "x"])).toMatchObject({ line: 5, column: 23 });
    expect(locate(["daemon", "missing"])).toMatchObject({ line: 2, column: 3 });
    expect(locate([])).toMatchObject({ line: 1, column: 1, offset: 0 });
  });

  test("warns about a key that is there twice; the last one counts", () => {
    const result = parsed('{\n "a": { "b": 1,\n  "b": 2 }\n}');
    expect(result.value).toEqual({ a: { b: 2 } });
    expect(result.warnings).toMatchObject([{ path: "a.b", line: 3, column: 3 }]);
    expect(result.locate(["a", "b"])).toMatchObject({ line: 3, column: 8 });
  });

  test.each([
    ["", 1, 1, "the file is empty"],
    [" \n// only a note\n", 1, 1, "the file is empty"],
    ['{\n  "a" 1\n}', 2, 7, 'expected ":" after the key, found 1'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'expected "," before the next entry, found "b"'],
    ['{ "a": 1', 1, 9, 'expected "}", found the end of the file'],
    ['{ "a": [1 }', 1, 11, 'expected "]", found }'],
    ['{ "a": }', 1, 8, "expected a value, found }"],
    ['{ "a": 1 } x', 1, 12, "expected keys and text in double quotes"],
    [
      "{ a: 1 }",
      1,
      3,
      "expected keys and text in double quotes, numbers, true, false or null, found a",
    ],
    ["{ 'a': 1 }", 1, 3, "expected keys and text in double quotes"],
    ['{ "a": "b\n}', 1, 8, "expected a closing double quote on the same line"],
    ['{ "a": "C:\\Users" }', 1, 8, 'a backslash is written "\\\\"'],
    ['{ "a": 1 } /* open', 1, 12, 'expected "*/" at the end of the comment'],
    ['{ "a": 1, , "b": 2 }', 1, 11, "expected a key in double quotes, found ,"],
  ])("refuses %p at %p:%p", (text, line, column, words) => {
    const problem = refused(text);
    expect(problem.code).toBe("config.invalid");
    expect(problem.text).toStartWith(`/c/mcpd.config.json:${line}:${column}: `);
    expect(problem.text).toContain(words);
    expect(problem.data).toMatchObject({ line, column, path: "" });
  });

  test("shows the line and marks the column", () => {
    const [, line, mark] = refused('{\n  "port" 80\n}').text.split("\n");
    expect(line).toBe('  2 |   "port" 80');
    expect(mark).toBe("    |          ^");
  });

  test("never shows what could be a secret", () => {
    const between = refused('{ "API_TOKEN": "abcdefgh" "x" }').text;
    expect(between).not.toContain("abcdefgh");
    expect(refused('{ "API_TOKEN" "abcdefgh" }').text).not.toContain("abcdefgh");
    expect(refused('{ "PASSWORD": "abc\\"defgh, }').text).not.toContain("defgh");
  });

  test("answers any text with a value or a fault that has a place", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      '"a"',
      ":",
      ",",
      "1",
      "//",
      "/*",
      "\n",
      '"',
      "\\",
      "tru",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const result = parseConfig(parts.join(""), "f");
        if (isFault(result))
          expect(result.text).toMatch(/^f:\d+:\d+: expected|^f:1:1: the file is empty/);
        else expect(result.value).toBeDefined();
      }),
    );
  });
});
