import { createScanner, type Node, parseTree } from "jsonc-parser";

import { type Fault, fault } from "../core/fault.ts";
import { endOfLine, startOfLine } from "../lib/text.ts";
import { type Path, pathText } from "./describe.ts";

/** One change of the file: a value set (its parents are made when missing) or a key removed. */
export type Edit =
  | { readonly kind: "set"; readonly path: readonly string[]; readonly value: unknown }
  | { readonly kind: "remove"; readonly path: readonly string[] };

type Splice = { readonly start: number; readonly end: number; readonly text: string };

/**
 * Applies edits to the text of a config. All that is not edited stays byte for byte: comments,
 * order, indentation, line ends. The library's own edits move a trailing comment to its neighbour,
 * so only its parser is used. Removing what is not there does nothing.
 */
export function editText(text: string, edits: readonly Edit[]): string | Fault {
  // The parser does not know byte order marks.
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  let current = text.slice(mark.length);
  for (const edit of edits) {
    const root = parseTree(current, [], { allowTrailingComma: true });
    const splices = root === undefined ? null : splicesOf(current, root, edit);
    if (splices === null) {
      const state = "a part of the path is not an object in the file";
      return fault("config.invalid", `Cannot edit ${pathText(edit.path)}: ${state}`);
    }
    current = apply(current, splices);
  }
  return mark + current;
}

function splicesOf(text: string, root: Node, edit: Edit): readonly Splice[] | null {
  let owner = root;
  for (const [index, key] of edit.path.entries()) {
    if (owner.type !== "object") return null;
    const property = propertyOf(owner, key);
    const value = property?.children?.[1];
    const isLast = index === edit.path.length - 1;
    if (property === undefined || value === undefined) {
      if (edit.kind === "remove") return [];
      const inner = nest(edit.path.slice(index + 1), edit.value);
      return insertion(text, owner, key, inner);
    }
    if (!isLast && value.type === "null") {
      if (edit.kind === "remove") return [];
      return replacement(text, value, nest(edit.path.slice(index + 1), edit.value));
    }
    if (isLast)
      return edit.kind === "remove"
        ? removal(text, owner, property)
        : replacement(text, value, edit.value);
    owner = value;
  }
  return null;
}

function replacement(text: string, node: Node, value: unknown): readonly Splice[] {
  const rendered = render(value, indentAt(text, node.offset), styleOf(text));
  return [{ start: node.offset, end: node.offset + node.length, text: rendered }];
}

/** Puts a new entry after the last one and after the comment that belongs to the last one. */
function insertion(text: string, owner: Node, key: string, value: unknown): readonly Splice[] {
  const style = styleOf(text);
  const name = JSON.stringify(key);
  const last = owner.children?.at(-1);
  const outer = indentAt(text, owner.offset);
  if (last === undefined) {
    const indent = outer + style.unit;
    const entry = `${style.newline}${indent}${name}: ${render(value, indent, style)}`;
    const close = owner.offset + owner.length - 1;
    const isBare = text.slice(owner.offset + 1, close).trim() === "";
    // Notes of an empty object stay above the new entry.
    const start = isBare ? owner.offset + 1 : endOfLastToken(text, owner);
    return [{ start, end: close, text: `${entry}${style.newline}${outer}` }];
  }
  const end = last.offset + last.length;
  const tail = tailOf(text, end);
  const behindComma = tail.comma === null ? end : tail.comma + 1;
  const comma = tail.comma === null ? [{ start: end, end, text: "," }] : [];
  const closing = tail.comma === null ? "" : ",";
  const isInline = !startsLine(text, last.offset);
  if (isInline && tail.end <= behindComma) {
    const entry = ` ${name}: ${JSON.stringify(value)}${closing}`;
    return [...comma, { start: behindComma, end: behindComma, text: entry }];
  }
  const indent = isInline ? outer + style.unit : indentAt(text, last.offset);
  const at = Math.max(tail.end, behindComma);
  const entry = `${style.newline}${indent}${name}: ${render(value, indent, style)}${closing}`;
  return [...comma, { start: at, end: at, text: entry }];
}

/** Takes out the entry with its comma, the comment behind it and the line it has to itself. */
function removal(text: string, owner: Node, property: Node): readonly Splice[] {
  const siblings = owner.children ?? [];
  const index = siblings.indexOf(property);
  const previous = siblings[index - 1];
  const isLast = index === siblings.length - 1;
  const end = property.offset + property.length;
  const tail = tailOf(text, end);
  const splices: Splice[] = [];
  if (isLast && previous !== undefined && tail.comma === null) {
    const before = tailOf(text, previous.offset + previous.length).comma;
    if (before !== null) splices.push({ start: before, end: before + 1, text: "" });
  }
  const behindComma = tail.comma === null ? end : tail.comma + 1;
  if (startsLine(text, property.offset) && endsLine(text, tail.end)) {
    if (behindComma > tail.end)
      splices.push({ start: behindComma - 1, end: behindComma, text: "" });
    const start = startOfLine(text, property.offset);
    return [...splices, { start, end: endOfLine(text, tail.end), text: "" }];
  }
  const before = isLast ? spacesBefore(text, property.offset) : 0;
  const after = isLast ? 0 : spacesAfter(text, behindComma);
  return [...splices, { start: property.offset - before, end: behindComma + after, text: "" }];
}

type Tail = {
  /** Offset of the comma behind an entry. */
  readonly comma: number | null;
  /** Behind the comma and the comments that begin on the entry's last line. */
  readonly end: number;
};

function tailOf(text: string, offset: number): Tail {
  const scanner = createScanner(text, false);
  scanner.setPosition(offset);
  let comma: number | null = null;
  let end = offset;
  let onSameLine = true;
  for (;;) {
    scanner.scan();
    const start = scanner.getTokenOffset();
    const token = text.slice(start, start + scanner.getTokenLength());
    if (token.trim() === "" && token !== "") {
      onSameLine &&= !/[\r\n]/.test(token);
      continue;
    }
    if (token === "," && comma === null) comma = start;
    else if (!token.startsWith("//") && !token.startsWith("/*")) return { comma, end };
    if (onSameLine) end = start + token.length;
  }
}

function endOfLastToken(text: string, owner: Node): number {
  const close = owner.offset + owner.length - 1;
  return text.slice(0, close).trimEnd().length;
}

function propertyOf(owner: Node, key: string): Node | undefined {
  return owner.children?.findLast((child) => child.children?.[0]?.value === key);
}

function nest(path: Path, value: unknown): unknown {
  return path.reduceRight((inner: unknown, key) => ({ [key]: inner }), value);
}

type Style = { readonly unit: string; readonly newline: string };

/** The file's own indentation and line ends. */
function styleOf(text: string): Style {
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  return { unit, newline: text.includes("\r\n") ? "\r\n" : "\n" };
}

/** A value as people write it: objects over several lines, lists of plain values on one. */
function render(value: unknown, indent: string, style: Style): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const deeper = indent + style.unit;
  const isPlain = Array.isArray(value) && value.every((item) => typeof item !== "object");
  if (isPlain) return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const members = Object.entries(value).map(([key, inner]) => {
    const name = Array.isArray(value) ? "" : `${JSON.stringify(key)}: `;
    return `${style.newline}${deeper}${name}${render(inner, deeper, style)}`;
  });
  if (members.length === 0) return `${open}${close}`;
  return `${open}${members.join(",")}${style.newline}${indent}${close}`;
}

function indentAt(text: string, offset: number): string {
  const start = startOfLine(text, offset);
  return text.slice(start, start + spacesAfter(text, start));
}

function startsLine(text: string, offset: number): boolean {
  return text.slice(startOfLine(text, offset), offset).trim() === "";
}

function endsLine(text: string, offset: number): boolean {
  return text.slice(offset, endOfLine(text, offset)).trim() === "";
}

function spacesAfter(text: string, offset: number): number {
  return /^[ \t]*/.exec(text.slice(offset))?.[0].length ?? 0;
}

function spacesBefore(text: string, offset: number): number {
  return /[ \t]*$/.exec(text.slice(0, offset))?.[0].length ?? 0;
}

/** Splices at one place keep the order they are given in. */
function apply(text: string, splices: readonly Splice[]): string {
  let result = "";
  let done = 0;
  for (const splice of [...splices].sort((a, b) => a.start - b.start)) {
    result += text.slice(done, splice.start) + splice.text;
    done = splice.end;
  }
  return result + text.slice(done);
}
