import {
  getNodeValue,
  type ParseError,
  parseTree,
  printParseErrorCode,
  stripComments,
} from "jsonc-parser";

import { type Edit, editText } from "../../config/edit.ts";
import { isFault } from "../../core/fault.ts";
import type { Edits, Read } from "./format.ts";

/** JSON with comments and trailing commas, as editors take it. */
export function readJson(text: string): Read {
  const plain = text.replace(/^\uFEFF/, " ");
  if (stripComments(plain).trim() === "") return { kind: "value", value: {} };
  const errors: ParseError[] = [];
  const root = parseTree(plain, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first === undefined && root !== undefined) {
    return { kind: "value", value: getNodeValue(root) as unknown };
  }
  const before = plain.slice(0, first?.offset ?? 0);
  const line = before.split("\n").length;
  const column = before.length - before.lastIndexOf("\n");
  const what = first === undefined ? "it has no value" : words(printParseErrorCode(first.error));
  return { kind: "invalid", why: `line ${line}, column ${column}: ${what}` };
}

/** Null: the file is written in a way that we cannot edit. */
export function editJson(text: string, path: readonly string[], edits: Edits): string | null {
  const isEmpty = stripComments(text.replace(/^\uFEFF/, "")).trim() === "";
  const start = isEmpty ? `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}{}\n` : text;
  const steps: Edit[] = [
    ...edits.set.map(([name, value]): Edit => ({ kind: "set", path: [...path, name], value })),
    ...edits.remove.map((name): Edit => ({ kind: "remove", path: [...path, name] })),
  ];
  const edited = editText(start, steps);
  return isFault(edited) ? null : edited;
}

/** "ValueExpected" as people say it. */
function words(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}
