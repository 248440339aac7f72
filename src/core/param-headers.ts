import { isObject } from "./envelope.ts";

/** An argument of a tool that is repeated in the header `Mcp-Param-<name>`. */
export type ParamHeader = {
  readonly name: string;
  /** Where the argument is in the arguments. */
  readonly path: readonly string[];
  readonly type: "string" | "integer" | "boolean";
};

/** The keyword of a tool's input schema that asks for a header. */
export const PARAM_HEADER = "x-mcp-header";

/** What an HTTP header may be called (RFC 9110, 5.1). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Keywords of JSON Schema whose values are no schemas. */
const DATA: ReadonlySet<string> = new Set(["const", "default", "enum", "examples"]);

/**
 * The headers that an input schema asks for; null when it asks wrongly, for then the tool is
 * invalid: the keyword is for strings, integers and booleans that are reached through `properties`
 * alone, and every name is there once (2026-07-28, basic/transports/streamable-http).
 */
export function paramHeadersOf(schema: unknown): readonly ParamHeader[] | null {
  const found: ParamHeader[] = [];
  const names = new Set<string>();
  const visit = (node: unknown, path: readonly string[]): boolean => {
    if (!isObject(node)) return true;
    const { [PARAM_HEADER]: name, properties, type, ...others } = node;
    if (name !== undefined) {
      if (path.length === 0 || typeof name !== "string" || !TOKEN.test(name)) return false;
      if (type !== "string" && type !== "integer" && type !== "boolean") return false;
      if (names.has(name.toLowerCase())) return false;
      names.add(name.toLowerCase());
      found.push({ name, path, type });
    }
    if (annotated(others)) return false;
    const children = isObject(properties) ? Object.entries(properties) : [];
    return children.every(([key, child]) => visit(child, [...path, key]));
  };
  return visit(schema, []) ? found : null;
}

/** The value of an argument as its header says it; null when there is no header for it. */
export function paramText(args: unknown, { path }: ParamHeader): string | null {
  const value = path.reduce<unknown>((node, key) => (isObject(node) ? node[key] : undefined), args);
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  // Beyond these nobody agrees on which integer it is.
  const exact = typeof value === "number" && Number.isFinite(value);
  if (!exact || (Number.isInteger(value) && !Number.isSafeInteger(value))) return null;
  return String(value);
}

/**
 * The first of `wanted` that a client should have sent and has not: `given` holds the decoded
 * headers by name in lower case, null for one that cannot be decoded. One too many is no harm.
 */
export function paramMismatch(
  wanted: readonly ParamHeader[],
  args: unknown,
  given: ReadonlyMap<string, string | null>,
): ParamHeader | undefined {
  return wanted.find((header) => {
    const text = paramText(args, header);
    if (text === null) return false;
    const said = given.get(header.name.toLowerCase());
    if (typeof said !== "string") return true;
    const number = header.type === "integer" && /^-?\d+(\.\d+)?$/.test(said);
    return number ? Number(said) !== Number(text) : said !== text;
  });
}

/** Whether the keyword is anywhere below, where it must not be; a property may be called that. */
function annotated(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(annotated);
  if (!isObject(node)) return false;
  return Object.entries(node).some(([key, value]) => {
    if (DATA.has(key)) return false;
    return annotated(value) || (key === PARAM_HEADER && !isObject(value));
  });
}
