import type { Params } from "./message.ts";
import { PARAM_HEADER, type ParamHeader, paramHeadersOf } from "./param-headers.ts";

export type ListKind = "tools" | "prompts" | "resources" | "templates";

type ListRow = {
  readonly method: string;
  /** The member of the result that holds the entries. */
  readonly member: string;
  /** The server capability without which the list is empty. */
  readonly capability: "tools" | "prompts" | "resources";
  /** The notification that says the list may differ now. */
  readonly changed: string;
  /** The member of an entry that names it. */
  readonly key: "name" | "uri" | "uriTemplate";
};

/** The four lists of MCP, as data. */
export const LISTS: Readonly<Record<ListKind, ListRow>> = {
  tools: {
    method: "tools/list",
    member: "tools",
    capability: "tools",
    changed: "notifications/tools/list_changed",
    key: "name",
  },
  prompts: {
    method: "prompts/list",
    member: "prompts",
    capability: "prompts",
    changed: "notifications/prompts/list_changed",
    key: "name",
  },
  resources: {
    method: "resources/list",
    member: "resources",
    capability: "resources",
    changed: "notifications/resources/list_changed",
    key: "uri",
  },
  templates: {
    method: "resources/templates/list",
    member: "resourceTemplates",
    capability: "resources",
    changed: "notifications/resources/list_changed",
    key: "uriTemplate",
  },
};

export const LIST_KINDS = Object.keys(LISTS) as readonly ListKind[];

/** One tool, prompt, resource or template exactly as its upstream describes it. */
export type Entry = Params;

/** One list of one upstream, all pages together. */
export type Listing = {
  readonly entries: readonly Entry[];
  /** Differs when the entries differ. */
  readonly fingerprint: string;
  /** The arguments that are repeated in headers, by tool: of those tools that have any. */
  readonly paramHeaders: ReadonlyMap<string, readonly ParamHeader[]>;
};

export const EMPTY_LISTING: Listing = { entries: [], fingerprint: "[]", paramHeaders: new Map() };

/** The kind of list a method asks for. */
export function listKindOf(method: string): ListKind | undefined {
  return LIST_KINDS.find((kind) => LISTS[kind].method === method);
}

/** The entries of one page; anything that is not an object with a name is left out. */
export function entriesOf(kind: ListKind, result: unknown): readonly Entry[] {
  const { member, key } = LISTS[kind];
  const entries = (result as Params | null)?.[member];
  if (!Array.isArray(entries)) return [];
  return (entries as readonly unknown[]).filter(
    (entry): entry is Entry =>
      typeof entry === "object" && entry !== null && typeof (entry as Entry)[key] === "string",
  );
}

/** The cursor of the next page, if there is one. */
export function nextCursorOf(result: unknown): string | undefined {
  const cursor = (result as Params | null)?.["nextCursor"];
  return typeof cursor === "string" ? cursor : undefined;
}

export function listingOf(entries: readonly Entry[]): Listing {
  const fingerprint = JSON.stringify(entries);
  const paramHeaders = new Map<string, readonly ParamHeader[]>();
  for (const entry of fingerprint.includes(`"${PARAM_HEADER}"`) ? entries : []) {
    const headers = paramHeadersOf(entry["inputSchema"]) ?? [];
    if (headers.length > 0) paramHeaders.set(String(entry["name"]), headers);
  }
  return { entries, fingerprint, paramHeaders };
}
