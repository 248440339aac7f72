import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Dialect, Entry, Where } from "./client.ts";
import { commonDialect, text as textIn } from "./dialect.ts";
import { readServers } from "./document.ts";
import { readJson } from "./formats/json.ts";
import { readToml } from "./formats/toml.ts";
import { isOurs, type Link } from "./link.ts";
import type { FoundServer } from "./merge.ts";
import { CLIENTS } from "./registry.ts";
import type { Shape } from "./shape.ts";

/** What a file says that was written for another program. */
export type Foreign = {
  readonly found: readonly FoundServer[];
  readonly left: readonly { readonly name: string; readonly why: string }[];
  /** Settings of a daemon, as keys of our config. */
  readonly settings: readonly { readonly path: readonly string[]; readonly value: unknown }[];
};

/** Keys of an entry that mean the same to us, whoever wrote them. */
const SHARED_KEYS = ["timeout_secs", "auto_reconnect", "max_retries", "idle_stop_secs", "scope"];

const common = commonDialect({ urlKey: "serverUrl" });

/** Dialects by the key a file holds its servers under. The rest of the world says mcpServers. */
const KEYS: readonly { readonly shape: Shape; readonly dialect: Dialect }[] = [
  { shape: { format: "json", path: ["mcpServers"] }, dialect: common },
  { shape: { format: "json", path: ["servers"] }, dialect: common },
  { shape: { format: "json", path: ["context_servers"] }, dialect: common },
  { shape: { format: "json", path: ["amp.mcpServers"] }, dialect: common },
];

/**
 * Reads a file of servers: a client's config in any of the formats we know, a list of servers, or a
 * daemon's settings in TOML. `name` is the file's, for its ending. What points at mcpd is left out.
 */
export function readForeign(text: string, name: string, where: Where, link: Link): Foreign | Fault {
  if (/\.toml$/i.test(name)) {
    const read = readToml(text);
    if (read.kind === "invalid") return invalid(name, read.why);
    const daemon = (read.value as Entry)["daemon"];
    if (typeof daemon === "object" && daemon !== null) {
      return { found: [], left: [], settings: settingsOf(daemon as Entry) };
    }
  }
  if (!/\.(toml|ya?ml)$/i.test(name)) {
    const read = readJson(text);
    if (read.kind === "invalid") return invalid(name, read.why);
    if (Array.isArray(read.value)) return listed(read.value, where, link);
  }
  for (const { shape, dialect } of shapesFor(name)) {
    const servers = readServers(text, shape, name);
    if (isFault(servers)) return servers;
    if (servers.size > 0) return translatedAll(servers, dialect, where, link);
  }
  return invalid(name, "there is no list of MCP servers in it");
}

/** Every way a file of this name may hold its servers. */
function shapesFor(name: string): typeof KEYS {
  const format = /\.toml$/i.test(name) ? "toml" : /\.ya?ml$/i.test(name) ? "yaml" : "json";
  const nowhere: Where = { system: "linux", home: "/", environment: {}, project: "/" };
  const known = CLIENTS.flatMap((client) => client.places(nowhere));
  const others = known.filter(({ shape }) => shape.format.startsWith(format));
  return format === "json" ? [...KEYS, ...others] : others;
}

function translatedAll(
  servers: ReadonlyMap<string, Entry>,
  dialect: Dialect,
  where: Where,
  link: Link,
): Foreign {
  const found: FoundServer[] = [];
  const left: { name: string; why: string }[] = [];
  for (const [name, entry] of servers) {
    if (isOurs(entry, link)) continue;
    const read = dialect.read(entry, where);
    if (read.kind === "left") left.push({ name, why: read.why });
    else found.push({ source: "file", name, entry: { ...read.entry, ...sharedOf(entry) } });
  }
  return { found, left, settings: [] };
}

/** A list of objects with a name each, such as mcp_servers.json. */
function listed(items: readonly unknown[], where: Where, link: Link): Foreign {
  const named = items
    .filter((item): item is Entry => typeof item === "object" && item !== null)
    .map((item, at) => [textIn(item["name"]) ?? `server-${at + 1}`, item] as const);
  return translatedAll(new Map(named), common, where, link);
}

function sharedOf(entry: Entry): Entry {
  return Object.fromEntries(
    SHARED_KEYS.flatMap((key) => (key in entry ? [[key, entry[key]]] : [])),
  );
}

/** daemon.toml: enabled, auto_start, health_check_interval and the logging of the daemon. */
function settingsOf(daemon: Entry): Foreign["settings"] {
  const logging = (daemon["logging"] ?? {}) as Entry;
  const level = textIn(logging["level"])?.toUpperCase();
  const bytes = bytesOf(textIn(logging["max_file_size"]));
  const pairs: readonly (readonly [string, unknown])[] = [
    ["enabled", daemon["enabled"]],
    ["auto_start", daemon["auto_start"]],
    ["health_check_interval", daemon["health_check_interval"]],
    ["log_level", level === "WARN" ? "WARNING" : level],
    ["log_rotation.max_bytes", bytes],
    ["log_rotation.backup_count", logging["max_files"]],
  ];
  return pairs
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ path: ["daemon", ...key.split(".")], value }));
}

/** "10MB" as 10485760. */
function bytesOf(size: string | undefined): number | undefined {
  const [, count, unit = ""] = /^(\d+)\s*([KMG]?)B?$/i.exec(size ?? "") ?? [];
  if (count === undefined) return undefined;
  return Number(count) * 1024 ** " KMG".indexOf(unit === "" ? " " : unit.toUpperCase());
}

function invalid(name: string, why: string): Fault {
  return fault("client.config", `Cannot read ${name}: ${why}`, name);
}
