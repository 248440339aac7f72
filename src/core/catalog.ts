import { type Entry, type ListKind, LISTS } from "./listing.ts";
import { qualify, SEPARATOR, split } from "./name.ts";
import { toolAllowed } from "./policy.ts";
import type { Upstream } from "./upstream.ts";

/** The way back from a name in the aggregate. */
export type Target = { readonly upstream: Upstream; readonly name: string };

/** One merged list as a client of the aggregate sees it, with the way back. */
export type Catalog = {
  readonly entries: readonly Entry[];
  readonly targets: ReadonlyMap<string, Target>;
};

type Row = { readonly upstream: Upstream; readonly entry: Entry; readonly name: string };

/**
 * Merges one list of several upstreams, in their order. Tools and prompts get their upstream's name
 * in front where the config says so or another upstream has the same name; resources keep their
 * URIs, and the first owner of one wins.
 */
export function mergeCatalog(kind: ListKind, upstreams: readonly Upstream[]): Catalog {
  const rows = rowsOf(kind, upstreams);
  const owners = new Map<string, Set<Upstream>>();
  for (const { name, upstream } of rows) {
    owners.set(name, (owners.get(name) ?? new Set()).add(upstream));
  }
  const entries: Entry[] = [];
  const targets = new Map<string, Target>();
  for (const { upstream, entry, name } of rows) {
    const { prefix } = upstream.unit.settings;
    const shared = (owners.get(name)?.size ?? 0) > 1;
    const long = LISTS[kind].key === "name" && (prefix === "auto" ? shared : prefix === "always");
    const shown = long ? qualify(upstream.name, name) : name;
    if (targets.has(shown)) continue;
    targets.set(shown, { upstream, name });
    entries.push(shown === name ? entry : { ...entry, name: shown });
  }
  return { entries, targets };
}

/** The entries of one upstream that the config lets clients see. */
export function visibleEntries(kind: ListKind, upstream: Upstream): readonly Entry[] {
  const entries = upstream.listings.get(kind)?.entries ?? [];
  if (kind !== "tools") return entries;
  return entries.filter((entry) =>
    toolAllowed(upstream.unit.settings.tools, String(entry["name"])),
  );
}

/**
 * Finds what a name in the aggregate stands for. `upstream__name` always works, also where the list
 * shows the short form, so a name a client remembers stays good when a collision comes or goes.
 */
export function resolveName(
  name: string,
  catalog: Catalog,
  find: (upstream: string) => Upstream | undefined,
): Target | undefined {
  const target = catalog.targets.get(name);
  if (target !== undefined) return target;
  const parts = split(name);
  const upstream = parts === null ? undefined : find(parts.upstream);
  return upstream === undefined || parts === null ? undefined : { upstream, name: parts.name };
}

/** Every name a tool can be called by: as it was, at its upstream, and the long one, cut or not. */
export function namesOf({ upstream, name }: Target, called: string): readonly string[] {
  return [called, name, qualify(upstream.name, name), `${upstream.name}${SEPARATOR}${name}`];
}

/** What a short name that is not in the list may mean: the long names it is shown under. */
export function namesakes(name: string, { targets }: Catalog): readonly string[] {
  return [...targets].flatMap(([shown, target]) => (target.name === name ? [shown] : []));
}

/**
 * Finds the upstream that a resource URI belongs to: listed by one, or fitting a template of one.
 */
export function resolveUri(
  uri: string,
  resources: Catalog,
  templates: Catalog,
): Upstream | undefined {
  const owner = resources.targets.get(uri)?.upstream;
  if (owner !== undefined) return owner;
  for (const [template, target] of templates.targets) {
    if (fitsTemplate(uri, template)) return target.upstream;
  }
  return undefined;
}

/** Whether a URI can come from an RFC 6570 template: the literal parts must appear in order. */
export function fitsTemplate(uri: string, template: string): boolean {
  const literals = template.split(/\{[^}]*\}/);
  const first = literals[0] ?? "";
  const last = literals.at(-1) ?? "";
  if (literals.length === 1) return uri === template;
  if (!uri.startsWith(first) || !uri.endsWith(last)) return false;
  let at = first.length;
  for (const literal of literals.slice(1, -1)) {
    const found = uri.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return at <= uri.length - last.length;
}

function rowsOf(kind: ListKind, upstreams: readonly Upstream[]): readonly Row[] {
  const { key } = LISTS[kind];
  return upstreams.flatMap((upstream) =>
    visibleEntries(kind, upstream).map((entry) => ({ upstream, entry, name: String(entry[key]) })),
  );
}
