import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Entry } from "./client.ts";
import type { Edits, Read } from "./formats/format.ts";
import { editJson, readJson } from "./formats/json.ts";
import { editToml, readToml } from "./formats/toml.ts";
import { editYaml, readYaml } from "./formats/yaml.ts";
import type { Shape } from "./shape.ts";

/** The servers of a client's file by name. A fault (client.config) says where the text is wrong. */
export function readServers(
  text: string,
  shape: Shape,
  file: string,
): ReadonlyMap<string, Entry> | Fault {
  const taken = takeApart(text, shape, file);
  return isFault(taken) ? taken : taken.servers;
}

/** What a JSON text says there; undefined when it says nothing. */
export function valueAt(text: string, path: readonly string[]): unknown {
  const read = readJson(text);
  return read.kind === "value" ? path.reduce<unknown>(memberOf, read.value) : undefined;
}

/**
 * Writes and takes out servers; every byte around them stays. The result is read again: a fault
 * when it says anything else than the old text with these servers changed.
 */
export function editServers(
  text: string,
  shape: Shape,
  file: string,
  edits: Edits,
): string | Fault {
  const before = takeApart(text, shape, file);
  if (isFault(before)) return before;
  const remove = edits.remove.filter((name) => before.servers.has(name));
  const set = edits.set.filter(
    ([name, entry]) => canonical(before.servers.get(name)) !== canonical(entry),
  );
  if (set.length === 0 && remove.length === 0) return text;
  const edited = edit(text, shape, { set, remove });
  const after = edited === null ? null : takeApart(edited, shape, file);
  const wanted = new Map(before.servers);
  for (const [name, entry] of edits.set) wanted.set(name, entry);
  for (const name of remove) wanted.delete(name);
  const isRight =
    after !== null &&
    !isFault(after) &&
    canonical(sorted(after.servers)) === canonical(sorted(wanted)) &&
    after.rest === before.rest;
  if (edited !== null && isRight) return edited;
  const state = "its servers are written in a way that mcpd cannot change without harm";
  return fault("client.config", `Cannot edit ${file}: ${state}`, file);
}

type Parts = {
  readonly servers: ReadonlyMap<string, Entry>;
  /** Everything else of the file, comparable. */
  readonly rest: string;
};

function takeApart(text: string, shape: Shape, file: string): Parts | Fault {
  const read = valueOf(text, shape);
  if (read.kind === "invalid") {
    return fault("client.config", `Cannot read ${file}: ${read.why}`, file);
  }
  const holder = read.value;
  if (!isEntry(holder)) {
    return fault("client.config", `Cannot read ${file}: it is not an object`, file);
  }
  const container = shape.path.reduce<unknown>(memberOf, holder);
  const servers = serversOf(container, shape);
  if (servers === null) {
    const path = shape.path.join(".");
    return fault("client.config", `Cannot read ${file}: ${path} is not a list of servers`, file);
  }
  return { servers, rest: canonical(without(holder, shape.path)) };
}

/** Without a member, and without what held nothing else. */
function without(holder: Entry, [first = "", ...deeper]: readonly string[]): Entry {
  const { [first]: member, ...others } = holder;
  if (deeper.length === 0 || member === undefined) return others;
  if (!isEntry(member)) return holder;
  const rest = without(member, deeper);
  return Object.keys(rest).length === 0 ? others : { ...holder, [first]: rest };
}

function valueOf(text: string, { format }: Shape): Read {
  switch (format) {
    case "json":
      return readJson(text);
    case "toml":
      return readToml(text);
    case "yaml-map":
    case "yaml-list":
      return readYaml(text);
  }
}

function edit(text: string, shape: Shape, edits: Edits): string | null {
  switch (shape.format) {
    case "json":
      return editJson(text, shape.path, edits);
    case "toml":
      return editToml(text, shape.path[0], edits);
    case "yaml-map":
      return editYaml(text, shape.path[0], "map", edits);
    case "yaml-list":
      return editYaml(text, shape.path[0], "list", edits);
  }
}

function serversOf(container: unknown, shape: Shape): ReadonlyMap<string, Entry> | null {
  if (container === undefined || container === null) return new Map();
  if (shape.format === "yaml-list") {
    if (!Array.isArray(container)) return null;
    const items = container.filter(isEntry);
    return new Map(items.map((item) => [String(item["name"]), item]));
  }
  if (!isEntry(container)) return null;
  const isServer = (pair: [string, unknown]): pair is [string, Entry] => isEntry(pair[1]);
  return new Map(Object.entries(container).filter(isServer));
}

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function memberOf(value: unknown, key: string): unknown {
  return isEntry(value) ? value[key] : undefined;
}

function sorted(servers: ReadonlyMap<string, Entry>): unknown {
  return [...servers].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Keys in the order of the file: a file in another order would be another file. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "bigint" ? String(inner) : inner,
  );
}
