import { problemsIn } from "../control/tool-input.ts";
import { isObject } from "../core/envelope.ts";
import type { Params } from "../core/message.ts";
import { colourless } from "./style.ts";

export type Option = { readonly value: unknown; readonly label: string };

/** One field of a form that a server wants filled in (2025-11-25, client/elicitation). */
export type Field = {
  readonly name: string;
  /** Its title and what it is for, for a terminal. */
  readonly label: string;
  readonly required: boolean;
  readonly schema: Params;
} & (
  | { readonly kind: "text"; readonly hint: string; readonly initial: string }
  | { readonly kind: "one" | "many"; readonly options: readonly Option[] }
);

/** The fields of a schema as a server sends it, in its order. */
export function fieldsOf(schema: unknown): readonly Field[] {
  const { properties, required } = isObject(schema) ? schema : {};
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.entries(isObject(properties) ? properties : {}).flatMap(([name, property]) =>
    isObject(property) ? [fieldOf(name, property, needed.includes(name))] : [],
  );
}

function fieldOf(name: string, schema: Params, required: boolean): Field {
  const { title, description, type, items, default: initial } = schema;
  const purpose = typeof description === "string" ? `: ${description}` : "";
  const label = colourless(`${shown(title ?? name)}${purpose}${required ? "" : " (optional)"}`);
  const about = { name, label, required, schema };
  const kind = type === "array" ? "many" : "one";
  const options = optionsOf(kind === "one" || !isObject(items) ? schema : items);
  if (options.length > 0) return { ...about, kind, options };
  return { ...about, kind: "text", hint: hintOf(schema), initial: colourless(shown(initial)) };
}

/** What there is to choose from, in all ways that revisions had to say it; none for a free text. */
function optionsOf({ type, enum: values, enumNames, oneOf, anyOf }: Params): readonly Option[] {
  if (type === "boolean") {
    return [
      { value: true, label: "Yes" },
      { value: false, label: "No" },
    ];
  }
  const titled = oneOf ?? anyOf;
  if (Array.isArray(titled)) {
    const options = (titled as readonly unknown[]).filter(isObject);
    return options.map(({ const: value, title }) => option(value, title));
  }
  if (!Array.isArray(values)) return [];
  const names: readonly unknown[] = Array.isArray(enumNames) ? enumNames : [];
  return (values as readonly unknown[]).map((value, index) => option(value, names[index]));
}

function option(value: unknown, title: unknown): Option {
  return { value, label: colourless(shown(title ?? value)) };
}

/** "email", "integer, from 1 to 100": what may be typed. */
function hintOf({ type, format, minimum, maximum, minLength, maxLength }: Params): string {
  const isSize = minLength !== undefined || maxLength !== undefined;
  const [least, most] = isSize ? [minLength, maxLength] : [minimum, maximum];
  const bounds = [
    least === undefined ? "" : `from ${shown(least)}`,
    most === undefined ? "" : `to ${shown(most)}`,
    isSize ? "characters" : "",
  ];
  const kind = type === "string" ? "" : type;
  const parts = [shown(format ?? kind), bounds.filter((part) => part !== "").join(" ")];
  return colourless(parts.filter((part) => part !== "").join(", "));
}

/** A value for people: a text without its quotes. */
function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** The value that a text stands for; undefined when nothing was typed where nothing has to be. */
export function typedValue({ schema: { type }, required }: Field, text: string): unknown {
  if (text === "" && !required) return undefined;
  const number = text.trim() === "" ? Number.NaN : Number(text);
  const isNumber = (type === "number" || type === "integer") && Number.isFinite(number);
  return isNumber ? number : text;
}

/** What is wrong with the value of a field, for a terminal; undefined when it may be sent. */
export function problemWith({ schema, required }: Field, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (value === "" && required) return "It has to be filled in";
  const [problem] = problemsIn(schema, value);
  return problem === undefined ? undefined : colourless(problem.replace(/^\S*: /, ""));
}
