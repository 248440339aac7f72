import type { Entry } from "./client.ts";
import { fingerprint, type Stripped, stripSecrets, withFiles } from "./secrets.ts";

/** A server that was found somewhere, in our own terms. */
export type FoundServer = {
  /** The client it was found in, or "file". */
  readonly source: string;
  readonly name: string;
  readonly entry: Entry;
};

/** What a merge has to ask about. */
export type Rules = {
  /** Why a name cannot be ours; null when it can. */
  nameProblem(name: string): string | null;
  /** Why an entry cannot be in our config, as the end of a sentence; null when it can. */
  entryProblem(entry: Entry): string | null;
  /** Where the secret of a server goes. */
  secretFile(server: string, slot: string): string;
  /** What a file with a secret holds; null when it cannot be read. */
  reveal(file: string): string | null;
};

/** One upstream as it comes out. */
export type Merged = {
  readonly name: string;
  readonly entry: Entry;
  /** False: the config has it already, and nothing is added. */
  readonly isNew: boolean;
  readonly found: readonly FoundServer[];
  readonly secrets: readonly { readonly file: string; readonly value: string }[];
};

/**
 * One upstream for all that are the same: command, args, env, url, headers and secrets. Of
 * different ones with one name the first keeps it, the next gets that of its source behind it.
 * Secrets end up in files.
 */
export function mergeServers(
  existing: ReadonlyMap<string, Entry>,
  found: readonly FoundServer[],
  rules: Rules,
): readonly Merged[] {
  const byPrint = new Map<string, { merged: Merged; found: FoundServer[] }>();
  const held = (reference: Entry): string | null =>
    typeof reference["file"] === "string" ? rules.reveal(reference["file"]) : null;
  const printOf = (stripped: Stripped): string =>
    fingerprint(stripped.entry, (value) => slotValue(stripped, value) ?? held(value));
  for (const [name, entry] of existing) {
    const merged = { name, entry, isNew: false, found: [], secrets: [] };
    byPrint.set(printOf(stripSecrets(entry)), { merged, found: [] });
  }
  const taken = new Set(existing.keys());
  const files = new Set<string>();
  for (const server of found) {
    const stripped = stripSecrets(server.entry);
    const print = printOf(stripped);
    const known = byPrint.get(print);
    if (known !== undefined) {
      known.found.push(server);
      continue;
    }
    const name = freeName(server, taken, rules);
    taken.add(name);
    const places = new Map(
      stripped.secrets.map(({ slot, value }) => [slot, freeFile(name, slot, value, files, rules)]),
    );
    const fileOf = (slot: string): string => places.get(slot) ?? "";
    const merged = {
      name,
      entry: withFiles(stripped.entry, fileOf),
      isNew: true,
      found: [],
      secrets: stripped.secrets.map(({ slot, value }) => ({ file: fileOf(slot), value })),
    };
    byPrint.set(print, { merged, found: [server] });
  }
  return [...byPrint.values()]
    .filter((entry) => entry.found.length > 0)
    .map((entry) => ({ ...entry.merged, found: entry.found }));
}

function slotValue({ secrets }: Stripped, reference: Entry): string | null {
  return secrets.find(({ slot }) => slot === reference["secret"])?.value ?? null;
}

/** A file that holds no other secret, also where "A" and "a" are one name. */
function freeFile(
  server: string,
  slot: string,
  value: string,
  files: Set<string>,
  { secretFile, reveal }: Rules,
): string {
  for (let number = 1; ; number++) {
    const file = secretFile(server, number === 1 ? slot : `${slot}_${number}`);
    const held = reveal(file);
    if (files.has(file.toLowerCase()) || (held !== null && held !== value)) continue;
    files.add(file.toLowerCase());
    return file;
  }
}

/** The name itself when it may be and is free. */
function freeName(
  { name, source }: FoundServer,
  taken: ReadonlySet<string>,
  { nameProblem }: Rules,
): string {
  const plain = name
    .replaceAll(/[^\w.-]+/g, "-")
    .replaceAll(/_{2,}/g, "_")
    .replace(/^[^A-Za-z0-9]+/, "");
  const base = plain === "" ? "server" : plain;
  const candidates = [base, `${base.slice(0, 20)}-${source}`];
  for (let number = 2; ; number++) {
    for (const candidate of candidates.splice(0)) {
      const short = candidate.slice(0, 40);
      if (!taken.has(short) && nameProblem(short) === null) return short;
    }
    candidates.push(`${base.slice(0, 30)}-${number}`);
  }
}
