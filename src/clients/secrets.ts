import { canonicalJson, sha256 } from "../lib/hash.ts";
import type { Entry } from "./client.ts";

/** A secret that an entry held. `slot` says which: the variable, header or flag it stood behind. */
export type Secret = { readonly slot: string; readonly value: string };

/** An entry whose secrets are {"secret": SLOT}, with or without a prefix, and those secrets. */
export type Stripped = { readonly entry: Entry; readonly secrets: readonly Secret[] };

/** True for a literal that by its name is a secret. */
type IsSecret = (name: string, literal: string) => boolean;

/** Tokens that give themselves away, whatever they are called. */
const TOKEN = new RegExp(
  [
    "\\b(?:gh[pousr]_\\w{20,}|github_pat_\\w{20,}|glpat-[\\w-]{16,}|sk-[\\w-]{16,}",
    "xox[abeprs]-[\\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\\w-]{30,}|npm_\\w{30,}|hf_\\w{20,})",
  ].join("|"),
);
const SCHEME = /^((?:Bearer|Basic|token) +)(.+)$/is;
const FLAG = /^--?([A-Za-z][\w-]*)$/;
const ASSIGNMENT = /^(-*([A-Za-z][\w-]*)\s*[=:]\s*(?:(?:Bearer|Basic|token) +)?)(.+)$/is;
const URL_WITH_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@:]+:[^\s/?#@]+@/i;

/**
 * Takes the literal secrets out of an entry. In args, which hold text only, `${NAME}` stands for a
 * secret that the entry's own env holds.
 */
export function stripSecrets(entry: Entry, isSecret: IsSecret): Stripped {
  const secrets: Secret[] = [];
  const env = { ...(entry["env"] as Entry | undefined) };
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== "string" || !isLiteral(name, value, isSecret)) continue;
    secrets.push({ slot: name, value });
    env[name] = { secret: name };
  }
  const headers = { ...(entry["headers"] as Entry | undefined) };
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== "string" || !isLiteral(name, value, isSecret)) continue;
    const [, prefix = "", literal = value] = SCHEME.exec(value) ?? [];
    const slot = variableName(name);
    secrets.push({ slot, value: literal });
    headers[name] = { secret: slot, ...(prefix === "" ? {} : { prefix }) };
  }
  const words = Array.isArray(entry["args"]) ? entry["args"].map(String) : [];
  const args = words.map((word, at) => {
    const found = secretIn(word, words[at - 1], isSecret);
    if (found === null) return word;
    const same = secrets.find(({ value }) => value === found.value);
    const slot = same?.slot ?? freeName(found.name, env);
    if (same === undefined) secrets.push({ slot, value: found.value });
    env[slot] ??= { secret: slot };
    return word.replace(found.value, () => `\${${slot}}`);
  });
  const stripped = {
    ...entry,
    ...(words.length > 0 ? { args } : {}),
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
  };
  return { entry: stripped, secrets };
}

/** The entry with its slots turned into references to files. */
export function withFiles(entry: Entry, fileOf: (slot: string) => string): Entry {
  const turn = (values: unknown): Entry =>
    Object.fromEntries(
      Object.entries((values ?? {}) as Entry).map(([name, value]) => {
        const { secret, ...rest } = (typeof value === "object" ? value : {}) as Entry;
        return [name, typeof secret === "string" ? { file: fileOf(secret), ...rest } : value];
      }),
    );
  return {
    ...entry,
    ...(entry["env"] === undefined ? {} : { env: turn(entry["env"]) }),
    ...(entry["headers"] === undefined ? {} : { headers: turn(entry["headers"]) }),
  };
}

/**
 * Equal for entries that start or reach the same server with the same secrets, wherever those are
 * kept. `valueOf` knows what a slot or a file holds.
 */
export function fingerprint(entry: Entry, valueOf: (reference: Entry) => string | null): string {
  const values = (record: unknown): Entry =>
    Object.fromEntries(
      Object.entries((record ?? {}) as Entry).map(([name, value]) => {
        if (typeof value !== "object" || value === null) return [name, value];
        const held = valueOf(value as Entry);
        const { prefix } = value as Entry;
        return [name, held === null ? value : (typeof prefix === "string" ? prefix : "") + held];
      }),
    );
  const { command, cwd, url, args, scope, type } = entry;
  const kind = type === "sse" || type === "ws" ? type : null;
  const where = scope === "user" ? undefined : scope;
  return sha256(
    canonicalJson({
      command,
      cwd,
      url,
      args: args ?? [],
      env: values(entry["env"]),
      headers: values(entry["headers"]),
      kind,
      where,
      // Two clients that let different tools through have two upstreams.
      tools: entry["tools"] ?? {},
    }),
  );
}

function isLiteral(name: string, value: string, isSecret: IsSecret): boolean {
  if (value.includes("${")) return false;
  return isSecret(name, value) || TOKEN.test(value) || URL_WITH_PASSWORD.test(value);
}

function secretIn(
  word: string,
  before: string | undefined,
  isSecret: IsSecret,
): { readonly name: string; readonly value: string } | null {
  if (word.includes("${")) return null;
  if (URL_WITH_PASSWORD.test(word)) return { name: "CONNECTION_URL", value: word };
  const [, , named, literal] = ASSIGNMENT.exec(word) ?? [];
  if (named !== undefined && literal !== undefined && isLiteral(named, literal, isSecret)) {
    return { name: variableName(named), value: literal };
  }
  const [, flag] = FLAG.exec(before ?? "") ?? [];
  if (flag !== undefined && !word.startsWith("-") && isLiteral(flag, word, isSecret)) {
    return { name: variableName(flag), value: word };
  }
  const token = TOKEN.exec(word)?.[0];
  return token === undefined ? null : { name: "TOKEN", value: token };
}

/** A flag or header as the name of a variable. */
function variableName(name: string): string {
  return name.replaceAll(/\W/g, "_").toUpperCase();
}

function freeName(name: string, env: Entry): string {
  let free = name;
  for (let number = 2; free in env; number++) free = `${name}_${number}`;
  return free;
}
