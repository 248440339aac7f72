import { readFileSync } from "node:fs";

import { fault, FaultError } from "../core/fault.ts";
import { parseJson } from "../core/json.ts";
import { reasonOf } from "../lib/files.ts";
import { usage } from "./parse.ts";
import { STDIN } from "./terminal.ts";

type Input = { readonly [key: string]: unknown };

/** key=value or key:=json; the key ends at the first "=". */
const PAIR = /^([^=]+?)(:?=)([\s\S]*)$/;
/** How every JSON text begins. */
const JSON_BEGINS = /^\s*(?:[[{"\d-]|true|false|null)/;

/** The arguments of a tool, and the words behind those that are text or something else. */
export type ToolInput = {
  readonly arguments: Input;
  readonly texts?: { readonly [key: string]: string };
};

type Entry = readonly [key: string, value: unknown, text?: string];

/**
 * The arguments of a tool from the words of a command line: a JSON object, @FILE, "-" for standard
 * input, key=value (JSON where the value parses as such, else text) and key:=json. Later ones win.
 */
export function callArguments(words: readonly string[], subject: string): Input {
  return Object.fromEntries(words.flatMap((word) => entriesOf(word, subject)));
}

/** The same with `texts`: where the tool wants text, "id=7" is the text "7". */
export function callInput(words: readonly string[], subject: string): ToolInput {
  const entries = new Map(
    words.flatMap((word) => entriesOf(word, subject)).map((entry) => [entry[0], entry]),
  );
  const texts = [...entries.values()].flatMap(([key, value, text]) =>
    text === undefined || typeof value === "string" ? [] : [[key, text] as const],
  );
  const input = Object.fromEntries([...entries.values()].map(([key, value]) => [key, value]));
  if (texts.length === 0) return { arguments: input };
  return { arguments: input, texts: Object.fromEntries(texts) };
}

function entriesOf(word: string, subject: string): readonly Entry[] {
  if (word === "-")
    return entriesOfObject(readInput(STDIN, "standard input"), "standard input", subject);
  if (word.startsWith("@")) {
    const path = word.slice(1);
    return entriesOfObject(readInput(path, path), path, subject);
  }
  if (/^\s*[{[]/.test(word)) return entriesOfObject(word, "the arguments", subject);
  const [, key, sign, value] = PAIR.exec(word) ?? [];
  if (key === undefined || value === undefined) {
    throw usage(`Cannot read "${word}": it is no JSON object, @FILE, "-" or key=value`, subject);
  }
  if (sign === "=") return [[key, plainValue(value), value]];
  return [
    [
      key,
      parseOr(value, (why) => {
        throw usage(`Cannot read the value of "${key}": it is not JSON: ${why}`, subject);
      }),
    ],
  ];
}

function entriesOfObject(text: string, what: string, subject: string): readonly Entry[] {
  const value = parseOr(text, (why) => {
    throw usage(`Cannot read ${what}: it is not JSON: ${why}`, subject);
  });
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value);
  }
  throw usage(`Cannot use ${what}: the arguments of a tool must be a JSON object`, subject);
}

/** A refusal of JSON.parse costs more than all else that is done here: plain words do without. */
function plainValue(text: string): unknown {
  return JSON_BEGINS.test(text) ? parseOr(text, () => text) : text;
}

function parseOr(text: string, otherwise: (why: string) => unknown): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    return otherwise(reasonOf(error));
  }
}

/** The text of a file or descriptor; a fault that has `name` when it cannot be read. */
export function readInput(source: string | number, name: string): string {
  try {
    return readFileSync(source, "utf8");
  } catch (error) {
    throw new FaultError(fault("file.failed", `Cannot read ${name}: ${reasonOf(error)}`, name));
  }
}
