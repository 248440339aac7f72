import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";

import { type Fault, fault } from "../core/fault.ts";
import type { Params } from "../core/message.ts";

/** More than these help nobody. */
const TOLD = 5;
/** They only say that something inside them is wrong, which is told as well. */
const CONTAINERS = new Set([
  "properties",
  "items",
  "prefixItems",
  "allOf",
  "$ref",
  "additionalProperties",
  "patternProperties",
]);

/** The arguments, with the text of those that are no text but have to be one. */
export function textsWhereWanted(schema: unknown, input: Params, texts: Params = {}): Params {
  const { properties } = (schema ?? {}) as { readonly properties?: Params };
  const wanted = Object.entries(texts).filter(([key]) => {
    const property = properties?.[key] as { readonly type?: unknown } | undefined;
    return key in input && property?.type === "string";
  });
  return wanted.length === 0 ? input : { ...input, ...Object.fromEntries(wanted) };
}

/**
 * Checks the arguments of a tool against its schema. The fault has the path of everything that is
 * wrong.
 */
export function checkInput(tool: string, schema: unknown, input: unknown): Fault | null {
  const problems = problemsIn(schema, input);
  if (problems.length === 0) return null;
  const more = problems.length > TOLD ? ` (and ${problems.length - TOLD} more)` : "";
  const text = `The arguments do not fit "${tool}": ${problems.slice(0, TOLD).join("; ")}${more}`;
  return fault("params.invalid", text, tool, { problems });
}

/**
 * What is wrong with a value, each with its path. A schema that cannot be used checks nothing,
 * since the upstream does so itself.
 */
export function problemsIn(schema: unknown, input: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const errors = errorsOf(schema, input);
  const told = errors.filter(({ keyword }) => !CONTAINERS.has(keyword));
  return [...new Set((told.length > 0 ? told : errors).map(sentence))];
}

function errorsOf(schema: Schema, input: unknown): readonly OutputUnit[] {
  try {
    const draft = schema.$schema?.includes("draft-07") === true ? "7" : "2020-12";
    // A copy, because the validator writes into it, and clients are shown it.
    return new Validator(structuredClone(schema), draft, false).validate(input).errors;
  } catch {
    return [];
  }
}

/** "/path: expected number, got string": the path as a JSON Pointer, "/" for the whole. */
function sentence({ instanceLocation, keyword, error }: OutputUnit): string {
  const path = instanceLocation.replace(/^#/, "");
  const words = error.replace(/\.$/, "");
  const names = [...words.matchAll(/"([^"]*)"/g)].map(([, name = ""]) => name);
  switch (keyword) {
    case "type":
      return `${path || "/"}: expected ${names.slice(1).join(" or ")}, got ${names[0]}`;
    case "required":
      return `${path}/${names[0]}: is missing`;
    case "false":
      return `${path || "/"}: is not allowed`;
    default:
      return `${path || "/"}: ${words}`;
  }
}
