import type { About } from "./schema-key.ts";
import { ConfigSchema } from "./schema.ts";

/** Steps from the root of the file: keys and list indexes. */
export type Path = readonly (string | number)[];

/** What we read of a valibot schema: its own types are too deep to walk. */
export type SchemaNode = {
  readonly type: string;
  readonly pipe?: readonly PipeItem[];
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly wrapped?: SchemaNode;
  readonly item?: SchemaNode;
  readonly value?: SchemaNode;
  readonly options?: readonly unknown[];
  readonly default?: unknown;
};

type PipeItem = SchemaNode & {
  readonly requirement?: unknown;
  readonly metadata?: Partial<About> & { readonly words?: string };
};

export const ROOT_NODE: SchemaNode = ConfigSchema;

/** Keys that are notes of the user's: tolerated everywhere, read nowhere. */
export function isNote(key: string): boolean {
  return key.startsWith("_") || key.startsWith("//") || key === "$schema";
}

/** The schema below optional and nullable. */
export function bare(node: SchemaNode): SchemaNode {
  const wraps = node.type === "optional" || node.type === "nullable";
  return wraps && node.wrapped !== undefined ? bare(node.wrapped) : node;
}

/** The schema of one member, or undefined when there is no such key. */
export function memberOf(node: SchemaNode, key: string | number): SchemaNode | undefined {
  const inner = bare(node);
  if (typeof key === "number") return inner.item;
  if (inner.entries === undefined) return inner.value;
  return Object.hasOwn(inner.entries, key) ? inner.entries[key] : undefined;
}

/** The schema of the value at a path, or undefined when the path leads nowhere. */
export function nodeAt(path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = ROOT_NODE;
  for (const key of path) node = node === undefined ? undefined : memberOf(node, key);
  return node;
}

/** Title, help and effect of a key, as far as the schema has them. */
export function aboutOf(node: SchemaNode): Partial<About> {
  const own = metadataOf(node);
  const inner = node.wrapped === undefined ? {} : aboutOf(node.wrapped);
  return { ...inner, ...own };
}

/** What a value may be, in words that fit after "expected". */
export function typeText(node: SchemaNode): string {
  const words = metadataOf(node).words;
  if (words !== undefined) return words;
  switch (node.type) {
    case "optional":
      return node.wrapped === undefined ? "anything" : typeText(node.wrapped);
    case "nullable":
      return node.wrapped === undefined ? "null" : `${typeText(node.wrapped)} or null`;
    case "boolean":
      return "true or false";
    case "string":
      return "text";
    case "number":
      return numberText(node);
    case "picklist":
      return anyOf(node.options?.map((option) => JSON.stringify(option)) ?? []);
    case "array":
      return node.item === undefined ? "a list" : `a list of ${typeText(node.item)}`;
    case "record":
      return node.value === undefined
        ? "an object"
        : `an object whose values are ${typeText(node.value)}`;
    default:
      return "an object";
  }
}

/** A path for people: daemon.port, mcpServers.files.args[1]. */
export function pathText(path: Path): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[\w$.-]+$/.test(key)) text += text === "" ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

function metadataOf(node: SchemaNode): NonNullable<PipeItem["metadata"]> {
  const items = stepsOf(node).filter((item) => item.type === "metadata");
  return Object.assign({}, ...items.map((item) => item.metadata));
}

/** What follows the type in a pipe, and in the pipe it may itself begin with. */
function stepsOf(node: SchemaNode): readonly PipeItem[] {
  const [first, ...rest] = node.pipe ?? [];
  if (first === undefined) return [];
  return [...stepsOf(first), ...rest];
}

function numberText(node: SchemaNode): string {
  const steps = stepsOf(node);
  const bound = (type: string): string =>
    String(steps.find((step) => step.type === type)?.requirement);
  const noun = steps.some((step) => step.type === "integer") ? "a whole number" : "a number";
  return `${noun} from ${bound("min_value")} to ${bound("max_value")}`;
}

function anyOf(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
