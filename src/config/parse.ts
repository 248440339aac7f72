import {
  createScanner,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
  stripComments,
} from "jsonc-parser";

import { type Fault, fault } from "../core/fault.ts";
import type { ConfigWarning } from "../core/revision.ts";
import { maskText } from "../lib/secret.ts";
import { type Path, pathText } from "./describe.ts";

/** A place in a text; line and column count from 1 as editors do, offset from 0. */
export type Position = { readonly offset: number; readonly line: number; readonly column: number };

export type Parsed = {
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
  /** Duplicate keys. */
  readonly warnings: readonly ConfigWarning[];
  /** Where the file has a key "__proto__", which no value of the language can hold. */
  readonly lost: readonly Path[];
  /** Where the value (or its key) is; for a missing one the nearest thing around it. */
  locate(path: Path, part?: "key" | "value"): Position;
};

const OPTIONS = { allowTrailingComma: true, disallowComments: false } as const;
const FRAME_WIDTH = 80;

/** Reads JSON with comments and trailing commas. A fault names file, line, column and the cure. */
export function parseConfig(text: string, file: string): Parsed | Fault {
  // A blank keeps every column in its place.
  const plain = text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text;
  const errors: ParseError[] = [];
  const root = parseTree(plain, errors, OPTIONS);
  if (stripComments(plain).trim() === "") return emptyFault(file);
  const first = errors[0];
  if (first !== undefined) return syntaxFault(plain, file, first);
  // Whatever has no errors and is not empty has a root.
  if (root === undefined) return emptyFault(file);
  return {
    file,
    text,
    value: getNodeValue(root) as unknown,
    warnings: duplicates(root, plain),
    lost: lostKeys(root),
    locate: (path, part = "value") => positionOf(plain, offsetAt(root, path, part)),
  };
}

/** Line and column of an offset. */
function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { offset, line, column: offset - before.lastIndexOf("\n") };
}

/** The line and, below it, a mark at the column. Secrets are blanked. */
export function codeFrame(text: string, at: Position): string {
  const line = maskText((text.split("\n")[at.line - 1] ?? "").trimEnd()).replaceAll("\t", " ");
  const start = Math.max(0, at.column - 1 - FRAME_WIDTH / 2);
  const number = String(at.line);
  const gutter = " ".repeat(number.length);
  const mark = " ".repeat(at.column - 1 - start);
  return `  ${number} | ${line.slice(start, start + FRAME_WIDTH)}\n  ${gutter} | ${mark}^`;
}

/** What was expected, by the parser's name of the error. */
const EXPECTED: Readonly<Record<string, string>> = {
  InvalidSymbol: "keys and text in double quotes, numbers, true, false or null",
  InvalidNumberFormat: "a number",
  PropertyNameExpected: "a key in double quotes",
  ValueExpected: "a value",
  ColonExpected: '":" after the key',
  CommaExpected: '"," before the next entry',
  CloseBraceExpected: '"}"',
  CloseBracketExpected: '"]"',
  EndOfFileExpected: "the end of the file",
  UnexpectedEndOfComment: '"*/" at the end of the comment',
  UnexpectedEndOfString: "a closing double quote on the same line",
  UnexpectedEndOfNumber: "a digit",
  InvalidUnicode: 'four hexadecimal digits after "\\u"',
  InvalidEscapeCharacter: 'a valid escape (a backslash is written "\\\\")',
  InvalidCharacter: 'text without control characters (a tab is written "\\t")',
};

function syntaxFault(text: string, file: string, error: ParseError): Fault {
  const at = positionOf(text, error.offset);
  const received = foundAt(text, error);
  const expected = expectedAt(error, received);
  const frame = codeFrame(text, at);
  const place = `${file}:${at.line}:${at.column}`;
  const words = `${place}: expected ${expected}, found ${received}\n${frame}`;
  const data = { file, path: "", line: at.line, column: at.column, expected, received, frame };
  return fault("config.invalid", words, file, data);
}

/** An editor that is saving truncates first: an empty file must not stop every upstream. */
function emptyFault(file: string): Fault {
  const state = "the file is empty, expected an object such as {}";
  const data = { file, path: "", line: 1, column: 1 };
  return fault("config.invalid", `${file}:1:1: ${state}`, file, data);
}

function expectedAt(error: ParseError, received: string): string {
  const name = printParseErrorCode(error.error);
  if (name === "CommaExpected" && received === "}") return '"]"';
  if (name === "CommaExpected" && received === "]") return '"}"';
  return EXPECTED[name] ?? "valid JSON";
}

/** The offending token in words. Text is shown only where it is a key: it could be a secret. */
function foundAt(text: string, error: ParseError): string {
  if (error.offset >= text.trimEnd().length) return "the end of the file";
  const token = text.slice(error.offset, error.offset + Math.max(1, error.length));
  if (!token.startsWith('"')) return token.length > 30 ? "text without quotes" : token;
  const scanner = createScanner(text, true);
  scanner.setPosition(error.offset);
  scanner.scan();
  scanner.scan();
  const isKey = text[scanner.getTokenOffset()] === ":";
  return isKey && token.length <= 60 ? token : "text in quotes";
}

function duplicates(root: Node, text: string, path: Path = []): ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  const seen = new Set<string>();
  for (const [index, child] of (root.children ?? []).entries()) {
    const [keyNode, valueNode] = child.children ?? [];
    if (root.type !== "object") {
      warnings.push(...duplicates(child, text, [...path, index]));
      continue;
    }
    if (keyNode === undefined) continue;
    const key = String(keyNode.value);
    if (seen.has(key)) {
      const { line, column } = positionOf(text, keyNode.offset);
      const words = `The key "${key}" is there twice: the last one counts, remove the other`;
      const at = pathText([...path, key]);
      warnings.push({ about: "text", path: at, line, column, text: words });
    }
    seen.add(key);
    if (valueNode !== undefined) warnings.push(...duplicates(valueNode, text, [...path, key]));
  }
  return warnings;
}

function lostKeys(root: Node, path: Path = []): Path[] {
  return (root.children ?? []).flatMap((child, index) => {
    if (root.type !== "object") return lostKeys(child, [...path, index]);
    const [keyNode, valueNode] = child.children ?? [];
    const at = [...path, String(keyNode?.value)];
    const own = keyNode?.value === "__proto__" ? [at] : [];
    return valueNode === undefined ? own : [...own, ...lostKeys(valueNode, at)];
  });
}

/** Follows a path as far as it goes; like JSON itself, the last of equal keys counts. */
function offsetAt(root: Node, path: Path, part: "key" | "value"): number {
  let value = root;
  let keyOffset = root.offset;
  for (const step of path) {
    const member =
      typeof step === "number"
        ? value.children?.[step]
        : value.children?.findLast((child) => child.children?.[0]?.value === step);
    const next = typeof step === "number" ? member : member?.children?.[1];
    if (member === undefined || next === undefined) return keyOffset;
    keyOffset = member.offset;
    value = next;
  }
  return part === "key" ? keyOffset : value.offset;
}
