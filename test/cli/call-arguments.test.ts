import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { callArguments, callInput } from "../../src/cli/call-arguments.ts";

function read(...words: readonly string[]): unknown {
  return callArguments(words, "call");
}

test("callArguments() types values by JSON where they parse", () => {
  expect(read("a=1", "b=true", "c=text", 'd="7"', "e=", "f=a=b", "g=[1]", "h=null")).toEqual({
    a: 1,
    b: true,
    c: "text",
    d: "7",
    e: "",
    f: "a=b",
    g: [1],
    h: null,
  });
});

test("callArguments() reads key:=json as JSON only", () => {
  expect(read('a:={"b":[1]}')).toEqual({ a: { b: [1] } });
  expect(() => read("a:=text")).toThrow('Cannot read the value of "a": it is not JSON');
});

test("a number that a double cannot hold stays as it was written", () => {
  const words = ["id=1234567890123456789", '{"ids":[9007199254740993]}'];
  expect(JSON.stringify(callArguments(words, "call"))).toBe(
    '{"id":1234567890123456789,"ids":[9007199254740993]}',
  );
});

test("callArguments() merges objects and pairs, the later winning", () => {
  expect(read('{"a":1,"b":2}', "b=3")).toEqual({ a: 1, b: 3 });
});

test("callArguments() reads @FILE and says what is wrong with it", () => {
  const directory = mkdtempSync("/tmp/mcpd-");
  const path = join(directory, "a.json");
  writeFileSync(path, '{"a":1}');
  expect(read(`@${path}`)).toEqual({ a: 1 });
  writeFileSync(path, "[1]");
  expect(() => read(`@${path}`)).toThrow("must be a JSON object");
  rmSync(directory, { recursive: true });
  expect(() => read(`@${path}`)).toThrow(`Cannot read ${path}: there is no such file`);
});

test("callArguments() refuses broken JSON and words that are nothing", () => {
  expect(() => read('{"a":')).toThrow("Cannot read the arguments: it is not JSON");
  expect(() => read("word")).toThrow('Cannot read "word"');
});

test("callArguments() keeps a key called __proto__ a key", () => {
  expect(Object.keys(callArguments(["__proto__=1"], "call"))).toEqual(["__proto__"]);
});

test("callInput() keeps the words of what is no text, for tools that want text", () => {
  expect(callInput(["id=7", "name=Ada", "n:=3"], "call")).toEqual({
    arguments: { id: 7, name: "Ada", n: 3 },
    texts: { id: "7" },
  });
  expect(callInput(["id=7", '{"id": 8}'], "call")).toEqual({ arguments: { id: 8 } });
  expect(callInput(["id=7", "id:=8"], "call")).toEqual({ arguments: { id: 8 } });
  expect(callInput(["id=7", "id=x"], "call")).toEqual({ arguments: { id: "x" } });
});
