import type { PromptRow, ResourceRow, ToolRow } from "../control/api.ts";
import type { Catalog, Target } from "../core/catalog.ts";
import type { Entry } from "../core/listing.ts";
import { type Params, stringOr } from "../core/message.ts";
import { ToolSearch } from "../core/search.ts";

/** What every row can be searched by. */
type Described = Pick<ToolRow, "upstream" | "name" | "title" | "description">;

/** The tools of the aggregate, with the upstream and the name each has there. */
export function toolRows(catalog: Catalog): readonly ToolRow[] {
  return rowsOf(catalog, "name", (entry, target) => {
    const annotations = entry["annotations"] as Params | undefined;
    return {
      upstream: target.upstream.name,
      tool: target.name,
      name: String(entry["name"]),
      title: stringOr(entry["title"] ?? annotations?.["title"], ""),
      description: stringOr(entry["description"], ""),
      inputSchema: entry["inputSchema"] ?? {},
    };
  });
}

export function promptRows(catalog: Catalog): readonly PromptRow[] {
  return rowsOf(catalog, "name", (entry, target) => {
    const taken = Array.isArray(entry["arguments"]) ? (entry["arguments"] as Params[]) : [];
    return {
      upstream: target.upstream.name,
      prompt: target.name,
      name: String(entry["name"]),
      ...described(entry),
      arguments: taken.map((argument) => ({
        name: stringOr(argument["name"], ""),
        description: stringOr(argument["description"], ""),
        required: argument["required"] === true,
      })),
    };
  });
}

/** The resources of the aggregate, or its templates: `key` is the member that names one. */
export function resourceRows(catalog: Catalog, key: "uri" | "uriTemplate"): readonly ResourceRow[] {
  return rowsOf(catalog, key, (entry, target) => ({
    upstream: target.upstream.name,
    uri: String(entry[key]),
    template: key === "uriTemplate",
    name: stringOr(entry["name"], ""),
    ...described(entry),
    mimeType: stringOr(entry["mimeType"], ""),
  }));
}

function rowsOf<R>(
  { entries, targets }: Catalog,
  key: "name" | "uri" | "uriTemplate",
  row: (entry: Entry, target: Target) => R,
): readonly R[] {
  return entries.flatMap((entry) => {
    const target = targets.get(String(entry[key]));
    return target === undefined ? [] : [row(entry, target)];
  });
}

/** Rows that fit some words, best first; all of them for no words. */
export function searchRows<R extends Described>(rows: readonly R[], query: string): readonly R[] {
  const servers = new Map(rows.map(({ name, upstream }) => [name, upstream]));
  const serverOf = (name: string): string => servers.get(name) ?? "";
  const found = new ToolSearch([...rows], serverOf).find(query);
  return found.flatMap((index) => rows[index] ?? []);
}

function described(entry: Entry): Pick<Described, "title" | "description"> {
  return {
    title: stringOr(entry["title"], ""),
    description: stringOr(entry["description"], ""),
  };
}
