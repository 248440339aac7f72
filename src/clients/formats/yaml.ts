import {
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";

import { endOfLine, startOfLine } from "../../lib/text.ts";
import type { Entry } from "../client.ts";
import { type Edits, newlineOf, type Read, splice } from "./format.ts";

export function readYaml(text: string): Read {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) {
    return { kind: "invalid", why: problem.message.split("\n")[0]?.replace(/:$/, "") ?? "" };
  }
  return { kind: "value", value: (document.toJS() as unknown) ?? {} };
}

/**
 * Lines are taken out and put in as text where the parser says they are: a document written anew
 * loses the formatting of what is not ours. Null: a list in a form that we cannot edit.
 */
export function editYaml(
  text: string,
  key: string,
  kind: "map" | "list",
  edits: Edits,
): string | null {
  let current: string | null = text;
  const drop = new Set([...edits.remove, ...edits.set.map(([name]) => name)]);
  for (const name of drop) {
    if (current !== null) current = removeItem(current, key, name);
  }
  for (const [name, entry] of edits.set) {
    if (current !== null) current = addItem(current, key, kind, name, entry);
  }
  return current;
}

type Container = YAMLMap | YAMLSeq;

type Found = {
  /** The pair of the container, null when the file has none. */
  readonly pair: Pair | null;
  /** Null when the container has no items in lines of their own. */
  readonly container: Container | null;
};

function find(text: string, key: string): Found | null {
  const { contents } = parseDocument(text);
  if (contents === null) return { pair: null, container: null };
  if (!isMap(contents) || contents.flow === true) return null;
  const pair = contents.items.find((item) => isScalar(item.key) && item.key.value === key);
  if (pair === undefined) return { pair: null, container: null };
  const { value } = pair;
  if (value === null || (isScalar(value) && value.value === null)) return { pair, container: null };
  if (!isMap(value) && !isSeq(value)) return null;
  if (value.items.length === 0) return { pair, container: null };
  return value.flow === true ? null : { pair, container: value };
}

function removeItem(text: string, key: string, name: string): string | null {
  const found = find(text, key);
  if (found === null) return null;
  const { pair, container } = found;
  if (container === null || pair === null) return text;
  const item = container.items.find((candidate) => nameOf(candidate) === name);
  if (item === undefined) return text;
  const { start, end } = linesOf(text, item);
  const pieces = [{ start, end, text: "" }];
  if (container.items.length === 1) {
    const at = text.indexOf(":", endOf(pair.key as Node)) + 1;
    pieces.push({ start: at, end: at, text: isSeq(container) ? " []" : " {}" });
  }
  return splice(text, pieces);
}

function addItem(
  text: string,
  key: string,
  kind: "map" | "list",
  name: string,
  entry: Entry,
): string | null {
  const found = find(text, key);
  if (found === null) return null;
  const { pair, container } = found;
  const newline = newlineOf(text);
  const item = stringify(kind === "map" ? { [name]: entry } : [entry], { lineWidth: 0 });
  const at = (indent: string): string =>
    item
      .trimEnd()
      .split("\n")
      .map((line) => `${indent}${line}${newline}`)
      .join("");
  if (pair === null) {
    const joint = text === "" || text.endsWith("\n") ? "" : newline;
    return `${text}${joint}${key}:${newline}${at("  ")}`;
  }
  const last = container?.items.at(-1);
  if (last !== undefined && container !== null) {
    const { start } = linesOf(text, container.items[0]);
    const { end } = linesOf(text, last);
    const indent = /^[ \t]*/.exec(text.slice(start))?.[0] ?? "";
    return splice(text, [{ start: end, end, text: lineBreakBefore(text, end) + at(indent) }]);
  }
  // "key:", "key: {}" or "key: []": what is behind the colon goes, a comment stays.
  const colon = text.indexOf(":", endOf(pair.key as Node)) + 1;
  const value = pair.value as Node | null;
  const empty = isCollection(value) || (isScalar(value) && value.source !== "");
  const valueEnd = empty && value !== null ? endOf(value) : colon;
  const end = endOfLine(text, valueEnd);
  const indent = `${/^[ \t]*/.exec(text.slice(startOfLine(text, colon)))?.[0] ?? ""}  `;
  return splice(text, [
    { start: colon, end: valueEnd, text: "" },
    { start: end, end, text: lineBreakBefore(text, end) + at(indent) },
  ]);
}

function lineBreakBefore(text: string, offset: number): string {
  return text.slice(0, offset).endsWith("\n") ? "" : newlineOf(text);
}

function nameOf(item: unknown): string | null {
  if (isPair(item)) return isScalar(item.key) ? String(item.key.value) : null;
  const name: unknown = isMap(item) ? item.get("name") : null;
  return typeof name === "string" ? name : null;
}

function linesOf(text: string, item: unknown): { readonly start: number; readonly end: number } {
  const first = (isPair(item) ? item.key : item) as Node;
  const end = endOf((isPair(item) ? (item.value ?? item.key) : item) as Node);
  const isBehindBreak = text.slice(0, end).endsWith("\n");
  return {
    start: startOfLine(text, first.range?.[0] ?? 0),
    end: isBehindBreak ? end : endOfLine(text, end),
  };
}

/** Where a node ends, without the comments and blank lines behind it. */
function endOf(node: Node): number {
  if (isCollection(node) && node.flow !== true) {
    const last: unknown = node.items.at(-1);
    const inner = isPair(last) ? (last.value ?? last.key) : last;
    if (inner !== undefined && inner !== null) return endOf(inner as Node);
  }
  return node.range?.[1] ?? 0;
}
