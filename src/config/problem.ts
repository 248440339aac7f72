import type * as v from "valibot";

import { type Fault, fault } from "../core/fault.ts";
import { isSecretName, maskWord } from "../lib/secret.ts";
import { nodeAt, type Path, pathText, typeText } from "./describe.ts";
import { codeFrame, type Parsed } from "./parse.ts";

/** One wrong value of the file. */
export type Problem = {
  readonly path: Path;
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  readonly received: string;
  /** What is wrong there, for people, without path and place. */
  readonly what: string;
};

/** A problem as data.problems of a fault has it. */
export type ProblemRow = Omit<Problem, "path" | "what"> & {
  /** daemon.port */
  readonly path: string;
  /** All of it as one line for people, without the place. */
  readonly text: string;
};

/** Validations whose own message says more than the type of the value does. */
const SPECIFIC = new Set(["check", "regex", "non_empty", "not_value"]);
const SHOWN_LENGTH = 40;

/** A problem of a value that has the wrong type or is out of bounds. */
export function problemAt(parsed: Parsed, path: Path, value: unknown, advice = ""): Problem {
  const node = nodeAt(path);
  const expected = node === undefined ? "nothing" : typeText(node);
  const received = shown(path, value);
  const what = `expected ${expected}, received ${received}${sentence(advice)}`;
  return { ...place(parsed, path, value), expected, received, what };
}

/** The problem of a key that the schema library or the language would drop without a word. */
export function problemOfKey(parsed: Parsed, path: Path): Problem {
  const received = JSON.stringify(path.at(-1));
  const expected = "another name";
  const what = `${received} cannot be a name here: choose another one`;
  return { ...place(parsed, path, undefined), expected, received, what };
}

/** The problem behind an issue of the schema library. */
export function problemOf(parsed: Parsed, issue: v.BaseIssue<unknown>): Problem {
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  const advice = issue.message.startsWith("Invalid ") ? "" : issue.message;
  if (issue.kind === "schema" || !SPECIFIC.has(issue.type)) {
    return problemAt(parsed, path, issue.input, advice || quotesAdvice(path, issue.input));
  }
  const inKey = issue.path?.at(-1)?.origin === "key";
  const value = inKey ? undefined : issue.input;
  const received = inKey ? JSON.stringify(issue.input) : shown(path, issue.input);
  const isEntry = typeof issue.input === "object";
  const state = inKey || isEntry ? "" : `${received} is not valid here. `;
  return { ...place(parsed, path, value), expected: advice, received, what: state + advice };
}

/** All problems of a file, in its order, as one fault: the first in words, all in data.problems. */
export function invalid(parsed: Parsed, problems: readonly Problem[]): Fault | null {
  const rows = problems.map(rowOf);
  const [first] = rows;
  if (first === undefined) return null;
  const { line, column } = first;
  const frame = codeFrame(parsed.text, { offset: 0, line, column });
  const more = rows.length - 1;
  const others = more === 0 ? "" : ` (and ${more} more ${more === 1 ? "problem" : "problems"})`;
  const text = `${parsed.file}:${line}:${column}: ${first.text}${others}\n${frame}`;
  const data = { file: parsed.file, path: first.path, line, column, frame, problems: rows };
  return fault("config.invalid", text, parsed.file, data);
}

function rowOf({ path, what, ...rest }: Problem): ProblemRow {
  const where = pathText(path);
  return { ...rest, path: where, text: `${where === "" ? "The file" : where}: ${what}` };
}

function place(
  parsed: Parsed,
  path: Path,
  value: unknown,
): Pick<Problem, "path" | "line" | "column"> {
  const part = value === undefined || typeof value === "object" ? "key" : "value";
  const { line, column } = parsed.locate(path, part);
  return { path, line, column };
}

/** A value in words; never one that could be a secret. */
function shown(path: Path, value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const hidden = path.some((key) => key === "env" || key === "headers" || isSecretName(`${key}`));
  if (hidden) return typeof value === "string" ? "text" : `a ${typeof value}`;
  const text = JSON.stringify(typeof value === "string" ? maskWord(value) : value);
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}..."`;
}

function quotesAdvice(path: Path, value: unknown): string {
  const expected = nodeAt(path);
  if (expected === undefined || typeof value === "string") return "";
  const wantsText = typeText(expected).startsWith("text");
  return wantsText && isScalar(value) ? "Put it in double quotes" : "";
}

function isScalar(value: unknown): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

function sentence(advice: string): string {
  return advice === "" ? "" : `. ${advice}`;
}
