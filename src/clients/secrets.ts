import { canonicalJson, sha256 } from "../lib/hash.ts";
import { flagOf, replaceSpots, secretsIn } from "../lib/secret.ts";
import { type Entry, textsOf } from "./client.ts";

/** A secret that an entry held. `slot` says which: the variable, header or flag it stood behind. */
export type Secret = { readonly slot: string; readonly value: string };

/** An entry whose secrets are {"secret": SLOT}, with or without a prefix, and those secrets. */
export type Stripped = { readonly entry: Entry; readonly secrets: readonly Secret[] };

/**
 * Takes the literal secrets out of an entry. In args and the url, which hold text only, `${NAME}`
 * stands for a secret that the entry's own env holds.
 */
export function stripSecrets(entry: Entry): Stripped {
  const secrets: Secret[] = [];
  const slotFor = (value: string, name: string): string => {
    const same = secrets.find((secret) => secret.value === value);
    if (same !== undefined) return same.slot;
    const slot = freeName(variableName(name), (taken) =>
      secrets.some((secret) => secret.slot === taken),
    );
    secrets.push({ slot, value });
    return slot;
  };
  const env = withoutLiterals(entry["env"], slotFor);
  const headers = withoutLiterals(entry["headers"], slotFor);
  const named = (word: string, flag: string): string =>
    replaceSpots(word, secretsIn(word, flag), (value, { name }) => {
      const slot = slotFor(value, name);
      const own = Object.keys(env).find((key) => isSlot(env[key], slot));
      const variable = own ?? freeName(slot, (taken) => Object.hasOwn(env, taken));
      env[variable] ??= { secret: slot };
      return `\${${variable}}`;
    });
  const words = textsOf(entry["args"]);
  const args = words.map((word, at) => named(word, flagOf(words[at - 1], word)));
  const url = typeof entry["url"] === "string" ? named(entry["url"], "") : undefined;
  const stripped = {
    ...entry,
    ...(words.length > 0 ? { args } : {}),
    ...(url === undefined ? {} : { url }),
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
  };
  return { entry: stripped, secrets };
}

/** Variables or headers with references where there were secrets; those begin with plain text. */
function withoutLiterals(
  values: unknown,
  slotFor: (value: string, name: string) => string,
): { [name: string]: unknown } {
  const pairs = Object.entries((values ?? {}) as Entry).map(([name, value]) => {
    const spots = typeof value === "string" ? secretsIn(value, name) : [];
    const [spot] = spots;
    // What is put together from several places cannot come from a file.
    if (typeof value !== "string" || spot === undefined || value.includes("${")) {
      return [name, value];
    }
    const start = spots.length === 1 && spot.end === value.length ? spot.start : 0;
    const prefix = start === 0 ? {} : { prefix: value.slice(0, start) };
    return [name, { secret: slotFor(value.slice(start), name), ...prefix }];
  });
  return Object.fromEntries(pairs) as Entry;
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

function isSlot(reference: unknown, slot: string): boolean {
  const { secret, prefix } = (reference ?? {}) as Entry;
  return secret === slot && prefix === undefined;
}

/** A variable, flag, header or parameter as the name of a file and of a variable. */
function variableName(name: string): string {
  const plain = name.replaceAll(/\W/g, "_").toUpperCase();
  return /^[A-Z_]/.test(plain) ? plain : `_${plain}`;
}

function freeName(name: string, isTaken: (name: string) => boolean): string {
  let free = name;
  for (let number = 2; isTaken(free); number++) free = `${name}_${number}`;
  return free;
}
