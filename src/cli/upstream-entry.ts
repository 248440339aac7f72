import { parseConfig } from "../config/parse.ts";
import { fault, FaultError } from "../core/fault.ts";
import { didYouMean } from "../core/spelling.ts";
import { BUILTIN_UPSTREAM } from "../core/unit.ts";
import { isLiteralSecret, maskWords } from "../lib/secret.ts";
import { shellWord } from "../lib/text.ts";
import { configText } from "./config-change.ts";
import { type ConfigFile, orThrow } from "./config-file.ts";

/** An entry of mcpServers as the file has it. */
export type Entry = { readonly [key: string]: unknown };

/** The entries of the file by name; none when there is no file. Throws the fault of a wrong one. */
export function entriesOf(config: ConfigFile): ReadonlyMap<string, Entry> {
  const text = configText(config);
  if (text === null) return new Map();
  const { value } = orThrow(parseConfig(text, config.store.path));
  const upstreams = memberOf(value, "mcpServers");
  if (typeof upstreams !== "object" || upstreams === null) return new Map();
  const isEntry = (pair: readonly [string, unknown]): pair is [string, Entry] =>
    !/^(_|\/\/)/.test(pair[0]) && typeof pair[1] === "object" && pair[1] !== null;
  return new Map(Object.entries(upstreams).filter(isEntry));
}

/** The entry of that name. Throws upstream.unknown with the nearest name. */
export function entryOf(config: ConfigFile, name: string): Entry {
  const entries = entriesOf(config);
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  if (name === BUILTIN_UPSTREAM) {
    const text = `"${name}" is the upstream that mcpd itself provides: it is not in the config`;
    throw new FaultError(fault("upstream.unknown", text, name));
  }
  const guess = didYouMean(name, entries.keys());
  const text = `${config.store.path} has no upstream "${name}"${guess}`;
  throw new FaultError(fault("upstream.unknown", text, name));
}

/** The command that adds an entry again; texts that look like secrets are left out of it. */
export function addLine(name: string, entry: Entry): string {
  const json = JSON.stringify(withoutSecrets(entry));
  return `mcpd servers add ${shellWord(name)} --entry ${shellWord(json)}`;
}

/** The names in an entry under which a secret is written out. */
export function literalSecrets(entry: Entry): readonly string[] {
  return ["env", "headers"].flatMap((key) =>
    Object.entries((entry[key] ?? {}) as Entry)
      .filter(([name, value]) => typeof value === "string" && isLiteralSecret(name, value))
      .map(([name]) => name),
  );
}

function withoutSecrets(entry: Entry): Entry {
  const hidden = new Set(literalSecrets(entry));
  return JSON.parse(
    JSON.stringify(entry, (key, value: unknown) => {
      if (hidden.has(key)) return "HIDDEN";
      return key === "args" && Array.isArray(value) ? maskWords(value.map(String)) : value;
    }),
  ) as Entry;
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Entry)[key];
}
