import { parse, TomlError } from "smol-toml";

import { endOfLine, startOfLine } from "../../lib/text.ts";
import type { Entry } from "../client.ts";
import { type Edits, newlineOf, type Read, splice } from "./format.ts";
import { statementsOf } from "./toml-statements.ts";

export function readToml(text: string): Read {
  try {
    const value = parse(text.replace(/^\uFEFF/, ""), { integersAsBigInt: "asNeeded" });
    return { kind: "value", value };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    return { kind: "invalid", why: `line ${error.line}, column ${error.column}: ${what}` };
  }
}

/**
 * Tables are taken out and put at the end as text: the parsers that write TOML keep no comments.
 * Null: the file has a piece that we cannot cut out.
 */
export function editToml(text: string, table: string, edits: Edits): string | null {
  let current = text;
  for (const name of [...edits.remove, ...edits.set.map(([set]) => set)]) {
    const without = removeTable(current, table, name);
    if (without === null) return null;
    current = without;
  }
  const newline = newlineOf(current);
  for (const [name, entry] of edits.set) {
    const joint = current === "" || current.endsWith("\n") ? "" : newline;
    const gap = current.trim() === "" ? "" : newline;
    const lines = [`[${key(table)}.${key(name)}]`, ...pairs(entry)];
    current = `${current}${joint}${gap}${lines.join(newline)}${newline}`;
  }
  return current;
}

/** Cuts out every statement of [table.name], with what stands between two of them. */
function removeTable(text: string, table: string, name: string): string | null {
  const statements = statementsOf(text);
  if (statements === null) return null;
  const isIts = statements.map(({ path }) => path[0] === table && path[1] === name);
  const pieces: { start: number; end: number; text: string }[] = [];
  for (const [at, { start, end }] of statements.entries()) {
    if (isIts[at] !== true) continue;
    const last = pieces.at(-1);
    if (last !== undefined && isIts[at - 1] === true) last.end = end;
    else pieces.push({ start, end, text: "" });
  }
  for (const piece of pieces) {
    // One of the two gaps around a table goes with it.
    const isApart = piece.start === 0 || isBlankLine(text, startOfLine(text, piece.start - 1));
    while (isApart && piece.end < text.length && isBlankLine(text, piece.end)) {
      piece.end = endOfLine(text, piece.end);
    }
    if (piece.end < text.length || !isApart) continue;
    while (piece.start > 0 && isBlankLine(text, startOfLine(text, piece.start - 1))) {
      piece.start = startOfLine(text, piece.start - 1);
    }
  }
  return splice(text, pieces);
}

function isBlankLine(text: string, start: number): boolean {
  return text.slice(start, endOfLine(text, start)).trim() === "";
}

function pairs(entry: Entry): readonly string[] {
  return Object.entries(entry).map(([name, value]) => `${key(name)} = ${render(value)}`);
}

function render(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(render).join(", ")}]`;
  if (typeof value === "object" && value !== null) return `{ ${pairs(value as Entry).join(", ")} }`;
  if (typeof value !== "string") return String(value);
  // Basic strings have the escapes of JSON and one more forbidden character.
  return JSON.stringify(value).replaceAll("\u007F", "\\u007F");
}

function key(name: string): string {
  return /^[\w-]+$/.test(name) ? name : render(name);
}
