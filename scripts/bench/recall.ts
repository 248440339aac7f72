/**
 * How well words find tools: the labelled queries of test/fixtures/queries over the catalog of
 * test/fixtures/tools, whose tools and queries are the project's own.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Entry } from "../../src/core/listing.ts";
import { ToolSearch } from "../../src/core/search.ts";

const FIXTURES = join(import.meta.dir, "../../test/fixtures");

/** A tool of the catalog, under the name that mcpd shows to clients. */
export type CatalogTool = {
  readonly server: string;
  /** "server/tool", as the queries name it. */
  readonly id: string;
  readonly entry: Entry;
};

/** "tuned" is what the search was made with; "unseen" was written before and never looked into. */
export const QUERY_SETS = ["tuned", "unseen"] as const;
export type QuerySet = (typeof QUERY_SETS)[number];

/** Words somebody may say, and the tools that are right. */
type Query = { readonly query: string; readonly tools: readonly string[] };

export type Miss = { readonly query: string; readonly rank: number | null; readonly best: string };

export type Recall = {
  readonly set: QuerySet;
  readonly queries: number;
  /** Share of the queries with a right tool among the first 1, 5 and 10. */
  readonly at1: number;
  readonly at5: number;
  readonly at10: number;
  /** Of those with none among the first 10, the worst first. */
  readonly misses: readonly Miss[];
};

/** The whole catalog; a name that several servers have gets its server in front, as in mcpd. */
export function readCatalog(): readonly CatalogTool[] {
  const files = readdirSync(join(FIXTURES, "tools")).toSorted();
  const tools = files.flatMap((file) => {
    const entries: readonly Entry[] = readLines(join(FIXTURES, "tools", file));
    const server = file.replace(/\.jsonl$/, "");
    return entries.map((entry) => ({ server, entry, name: String(entry["name"]) }));
  });
  const owners = new Map<string, number>();
  for (const { name } of tools) owners.set(name, (owners.get(name) ?? 0) + 1);
  return tools.map(({ server, entry, name }) => {
    const shown = owners.get(name) === 1 ? name : `${server}__${name}`;
    return { server, id: `${server}/${name}`, entry: { ...entry, name: shown } };
  });
}

export function readQueries(set: QuerySet): readonly Query[] {
  return readLines(join(FIXTURES, "queries", `${set}.jsonl`));
}

/** One JSON value a line. */
function readLines(file: string): ReturnType<typeof JSON.parse>[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

export function measureRecall(catalog: readonly CatalogTool[], set: QuerySet): Recall {
  const servers = new Map(catalog.map(({ entry, server }) => [entry["name"], server]));
  const search = new ToolSearch(
    catalog.map(({ entry }) => entry),
    (name) => servers.get(name) ?? "",
  );
  const queries = readQueries(set);
  const ranked = queries.map(({ query, tools }) => {
    const found = search.find(query).map((index) => catalog[index]?.id ?? "");
    const at = found.findIndex((id) => tools.includes(id));
    return { query, rank: at === -1 ? null : at + 1, best: found[0] ?? "nothing" };
  });
  const within = (most: number): number =>
    ranked.filter(({ rank }) => rank !== null && rank <= most).length / queries.length;
  const misses = ranked
    .filter(({ rank }) => rank === null || rank > 10)
    .toSorted((a, b) => (b.rank ?? 1e9) - (a.rank ?? 1e9));
  return {
    set,
    queries: queries.length,
    at1: within(1),
    at5: within(5),
    at10: within(10),
    misses,
  };
}
