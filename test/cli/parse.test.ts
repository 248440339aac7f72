import { expect, test } from "bun:test";

import type { Arguments } from "../../src/cli/command.ts";
import { parseArguments } from "../../src/cli/parse.ts";
import { FaultError } from "../../src/core/fault.ts";

const DEFINITIONS = {
  name: { type: "positional", required: true },
  rest: { type: "positional", multiple: true, required: false },
  follow: { type: "boolean", alias: "f" },
  color: { type: "boolean", default: true },
  lines: { type: "string", alias: "n", default: "50" },
  env: { type: "string", multiple: true },
  prefix: { type: "string", valueHint: "DIR" },
  scope: { type: "enum", options: ["user", "project"] },
} as const satisfies Arguments;

function parse(...words: readonly string[]): ReturnType<typeof parseArguments> {
  return parseArguments(words, DEFINITIONS, "logs");
}

function problem(...words: readonly string[]): string {
  try {
    parse(...words);
  } catch (error) {
    if (error instanceof FaultError) return error.fault.text;
    throw error;
  }
  return "none";
}

test("parseArguments() fills what is left out with defaults", () => {
  expect(parse("x")).toEqual({
    name: "x",
    rest: [],
    follow: false,
    color: true,
    lines: "50",
    env: [],
    prefix: undefined,
    scope: undefined,
  });
});

test("parseArguments() takes flags before, between and after words", () => {
  const { name, rest, follow, lines } = parse("-f", "x", "--lines", "3", "a", "b");
  expect({ name, rest, follow, lines }).toEqual({
    name: "x",
    rest: ["a", "b"],
    follow: true,
    lines: "3",
  });
});

test("parseArguments() reads every way to write a value", () => {
  for (const words of [["--lines=7"], ["--lines", "7"], ["-n", "7"], ["-n7"], ["-n=7"], ["-fn7"]]) {
    expect(parse("x", ...words)["lines"]).toBe("7");
  }
  expect(parse("x", "--lines=")["lines"]).toBe("");
  expect(parse("x", "--lines=-7")["lines"]).toBe("-7");
  expect(parse("x", "--lines", "-")["lines"]).toBe("-");
});

test("parseArguments() takes no empty path for the current directory", () => {
  expect(problem("x", "--prefix=")).toBe("--prefix needs a value");
  expect(problem("x", "--prefix", "")).toBe("--prefix needs a value");
});

test("parseArguments() collects a repeatable flag", () => {
  expect(parse("x", "--env", "A=1", "--env=B=2")["env"]).toEqual(["A=1", "B=2"]);
});

test("parseArguments() switches a flag off with --no-", () => {
  expect(parse("x", "--no-color")["color"]).toBe(false);
  expect(parse("x", "--color=false")["color"]).toBe(false);
  expect(parse("x", "--follow", "--no-follow")["follow"]).toBe(false);
});

test("parseArguments() leaves everything behind -- alone", () => {
  expect(parse("x", "--", "-y", "--lines", "--")["rest"]).toEqual(["-y", "--lines", "--"]);
});

test("parseArguments() refuses what it does not know, with a suggestion", () => {
  expect(problem("x", "--folow")).toBe('Unknown flag "--folow". Did you mean "--follow"?');
  expect(problem("x", "--colour")).toBe('Unknown flag "--colour". Did you mean "--color"?');
  expect(problem("x", "-z")).toBe('Unknown flag "-z"');
  expect(problem("x", "-fz")).toBe('Unknown flag "-z" in "-fz"');
  expect(problem("x", "--name", "y")).toBe('Unknown flag "--name"');
});

test("parseArguments() refuses missing and wrong values", () => {
  expect(problem()).toBe("NAME is missing");
  expect(problem("x", "--lines")).toBe("--lines needs a value");
  expect(problem("x", "--lines", "--follow")).toBe("--lines needs a value");
  expect(problem("x", "--follow=yes")).toBe('--follow takes no value, received "yes"');
  expect(problem("x", "--scope", "usr")).toBe(
    '--scope must be one of user, project, received "usr". Did you mean "user"?',
  );
});

test("parseArguments() refuses a word too many", () => {
  expect(() => parseArguments(["a"], {}, "version")).toThrow('Unexpected argument "a"');
});
