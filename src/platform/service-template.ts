// The files that service managers read, as templates that users may replace (MISSION A18).

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import { didYouMean } from "../core/spelling.ts";
import { errorCode, reasonOf } from "../lib/files.ts";
import type { ServiceSpec } from "./service.ts";

export type Template = {
  readonly text: string;
  /** Where the user keeps it; null for the one that mcpd brings. */
  readonly path: string | null;
};

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * The template of this name in the user's directory, else the one that mcpd brings. It may be in
 * UTF-8 or, as Windows' own tools write it, in UTF-16 with a byte order mark.
 */
export function readTemplate(directory: string, name: string, builtIn: string): Template | Fault {
  const path = join(directory, name);
  try {
    return { text: definitionText(readFileSync(path)), path };
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") {
      return { text: builtIn, path: null };
    }
    const text = `Cannot read the template ${path}: ${reasonOf(error)}`;
    return fault("service.template", text, path);
  }
}

/** Puts the values, escaped for their place, into {{name}}. The fault names the line. */
export function fillTemplate(
  template: Template,
  values: { readonly [name: string]: string },
): string | Fault {
  for (const [index, line] of template.text.split("\n").entries()) {
    for (const [whole, name = ""] of line.matchAll(PLACEHOLDER)) {
      if (Object.hasOwn(values, name)) continue;
      const names = Object.keys(values);
      const guess = didYouMean(name, names) || `. There are ${names.join(", ")}.`;
      const where = `${template.path ?? "the built-in template"}, line ${index + 1}`;
      const text = `Unknown placeholder ${whole} in ${where}${guess}`;
      return fault("service.template", text.replace(/\.$/, ""), template.path ?? "");
    }
  }
  return template.text.replaceAll(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);
}

/** The variables of the service, PATH first. */
export function variablesOf({
  path,
  environment = {},
}: Pick<ServiceSpec, "path" | "environment">): readonly (readonly [string, string])[] {
  const others = Object.entries(environment).filter(([name]) => name !== "PATH");
  return [["PATH", path], ...others.map(([name, value = ""]) => [name, value] as const)];
}

/** Text for an element or attribute of XML. */
export function xmlText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** The text that xmlText() made this of. */
export function plainText(xml: string): string {
  return xml
    .replaceAll("&quot;", '"')
    .replaceAll("&gt;", ">")
    .replaceAll("&lt;", "<")
    .replaceAll("&amp;", "&");
}

/** The first character that no line of a definition can hold, as people write it; null for none. */
export function unprintable(text: string): string | null {
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  const found = /[\u0000-\u001f\u007f]/.exec(text)?.[0];
  return found === undefined ? null : `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** A template or definition as text: Task Scheduler has them in UTF-16. */
export function definitionText(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8";
  return new TextDecoder(encoding).decode(bytes).replaceAll("\r\n", "\n");
}
