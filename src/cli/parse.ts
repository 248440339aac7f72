import { fault, FaultError } from "../core/fault.ts";
import { didYouMean } from "../core/spelling.ts";
import type { Argument, Arguments, Values } from "./command.ts";

/** Flags of every command; they may stand before the command's name as well. */
export const GLOBAL_ARGUMENTS = {
  json: { type: "boolean", description: "Print one JSON document on stdout, errors too" },
  config: { type: "string", valueHint: "PATH", description: "Use this config file" },
  quiet: { type: "boolean", alias: "q", description: "Print results and errors only" },
  color: {
    type: "boolean",
    default: true,
    description: "Colour on a terminal",
    negativeDescription: "No colour, also not on a terminal",
  },
  help: { type: "boolean", alias: "h", description: "Explain the command" },
  version: { type: "boolean", alias: "V", description: "Print the version" },
} as const satisfies Arguments;

type Value = Values[string];

/** A flag on the command line: which argument, and the value if it came in the same word. */
type Flag = { readonly name: string; readonly inline: string | undefined; readonly no: boolean };

/**
 * Takes the words after a command's name apart. Strict where citty is forgiving: an unknown flag, a
 * missing value, a word too many throw a usage.invalid fault about `subject`, with a suggestion.
 */
export function parseArguments(
  words: readonly string[],
  definitions: Arguments,
  subject: string,
): Values {
  const { flags, positionals } = separate(words, definitions, subject);
  const values: { [name: string]: Value } = {};
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.type === "positional") {
      const taken = definition.multiple === true ? positionals.splice(0) : positionals.shift();
      values[name] = taken ?? definition.default;
      const missing = taken === undefined || taken.length === 0;
      if (missing && definition.required === true) {
        throw usage(`${shownName(name, definition)} is missing`, subject);
      }
    } else {
      values[name] = flags.get(name) ?? absent(definition);
    }
  }
  const [extra] = positionals;
  if (extra !== undefined) throw usage(`Unexpected argument "${extra}"`, subject);
  return values;
}

/** How an argument is written in usage lines and errors: NAME, "--flag" or "--flag PATH". */
export function shownName(name: string, definition: Argument): string {
  if (definition.type === "positional") {
    const plain = definition.valueHint ?? name.toUpperCase();
    return definition.multiple === true ? `${plain}...` : plain;
  }
  if (definition.type === "boolean")
    return definition.default === true ? `--no-${name}` : `--${name}`;
  return `--${name} ${definition.valueHint ?? name.toUpperCase()}`;
}

/** What giving the flag does: of a switch that is on, what switching it off does. */
export function meaningOf(definition: Argument): string {
  const isOff = definition.type === "boolean" && definition.default === true;
  return (isOff ? definition.negativeDescription : definition.description) ?? "";
}

/** The usage fault of a command line. */
export function usage(text: string, subject: string): FaultError {
  return new FaultError(fault("usage.invalid", text, subject));
}

function separate(
  words: readonly string[],
  definitions: Arguments,
  subject: string,
): { readonly flags: ReadonlyMap<string, Value>; readonly positionals: string[] } {
  const flags = new Map<string, Value>();
  const positionals: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      positionals.push(...rest.splice(0));
    } else if (word.length < 2 || !word.startsWith("-")) {
      positionals.push(word);
    } else {
      for (const flag of flagsOf(word, definitions, subject)) {
        flags.set(flag.name, valueOf(flag, rest, flags, definitions, subject));
      }
    }
  }
  return { flags, positionals };
}

function flagsOf(word: string, definitions: Arguments, subject: string): readonly Flag[] {
  if (!word.startsWith("--")) return shortFlags(word, definitions, subject);
  const equals = word.indexOf("=");
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const inline = equals < 0 ? undefined : word.slice(equals + 1);
  if (isFlag(definitions[name])) return [{ name, inline, no: false }];
  const positive = name.startsWith("no-") ? name.slice(3) : "";
  if (definitions[positive]?.type === "boolean") return [{ name: positive, inline, no: true }];
  const known = Object.entries(definitions).flatMap(([candidate, definition]) =>
    isFlag(definition) ? [`--${candidate}`, `--no-${candidate}`] : [],
  );
  throw usage(`Unknown flag "--${name}"${didYouMean(`--${name}`, known)}`, subject);
}

/** "-f", "-fq", "-n5", "-n=5": the first one that takes a value takes what is left of the word. */
function shortFlags(word: string, definitions: Arguments, subject: string): readonly Flag[] {
  const found: Flag[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    const name = Object.keys(definitions).find((key) => hasAlias(definitions[key], letter));
    if (name === undefined) {
      const where = word.length > 2 ? ` in "${word}"` : "";
      throw usage(`Unknown flag "-${letter}"${where}`, subject);
    }
    const isSwitch = definitions[name]?.type === "boolean";
    const inline = word.slice(at + 1).replace(/^=/, "");
    if (!isSwitch)
      return [...found, { name, inline: inline === "" ? undefined : inline, no: false }];
    found.push({ name, inline: undefined, no: false });
  }
  return found;
}

function valueOf(
  flag: Flag,
  rest: string[],
  flags: ReadonlyMap<string, Value>,
  definitions: Arguments,
  subject: string,
): Value {
  const { name, inline, no } = flag;
  const definition = definitions[name];
  const shown = `--${name}`;
  if (definition?.type === "boolean") {
    if (inline === undefined) return !no;
    if (no || !["true", "false"].includes(inline)) {
      throw usage(`${shown} takes no value, received "${inline}"`, subject);
    }
    return inline === "true";
  }
  const next = rest[0];
  // A word that looks like a flag is more likely one than a value; "--flag=-x" gives it anyway.
  const value = inline ?? (next === "-" || !next?.startsWith("-") ? rest.shift() : undefined);
  const isMissing = value === undefined || (value === "" && isPlace(definition));
  if (isMissing) throw usage(`${shown} needs a value`, subject);
  const options = definition?.type === "enum" ? (definition.options ?? []) : [value];
  if (!options.includes(value)) {
    const guess = didYouMean(value, options);
    throw usage(
      `${shown} must be one of ${options.join(", ")}, received "${value}"${guess}`,
      subject,
    );
  }
  if (definition?.multiple !== true) return value;
  const before = flags.get(name);
  return [...(Array.isArray(before) ? (before as readonly string[]) : []), value];
}

/** An empty path, as of a variable that is not set, would mean the current directory. */
function isPlace(definition: Argument | undefined): boolean {
  return definition?.type === "string" && /^(DIR|FILE|PATH)$/.test(definition.valueHint ?? "");
}

function isFlag(definition: Argument | undefined): boolean {
  return definition !== undefined && definition.type !== "positional";
}

function hasAlias(definition: Argument | undefined, letter: string): boolean {
  if (definition === undefined || !("alias" in definition)) return false;
  return [definition.alias].flat().includes(letter);
}

function absent(definition: Argument): Value {
  if (definition.multiple === true) return [];
  if (definition.type === "boolean") return definition.default === true;
  return definition.default;
}
