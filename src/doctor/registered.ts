import type { Entry } from "../clients/client.ts";
import { isLoopback } from "../lib/address.ts";
import { readIfExists } from "../lib/files.ts";
import type { Scene } from "./scene.ts";

/** How a client's entry gets to a daemon of ours. */
export type Registered = {
  /** The upstream it wants alone; null for all. */
  readonly server: string | null;
  readonly project: string | null;
} & (
  | {
      readonly kind: "http";
      readonly url: URL;
      /** Written in the entry; null when it is named by reference. */
      readonly key: string | null;
    }
  | {
      readonly kind: "bridge";
      readonly command: string;
      /** Of --config. */
      readonly config: string | null;
    }
);

const KEY_PREFIX = "mcpd_";

/**
 * What an entry says, when it is meant for us: written by us, or by hand with an address of this
 * machine and our name or key. Null for other servers.
 */
export function registeredIn(entry: Entry, isOurs: boolean, scene: Scene): Registered | null {
  const words = [entry["command"] ?? entry["cmd"], entry["args"]].flat().map(String);
  if (isOurs && words.includes("bridge")) {
    const of = (flag: string): string | null => {
      const at = words.indexOf(flag);
      return at < 0 ? null : (words[at + 1] ?? null);
    };
    const [command = ""] = words;
    return {
      kind: "bridge",
      command,
      config: of("--config"),
      server: of("--server"),
      project: of("--project"),
    };
  }
  const url = addressIn(entry);
  if (url === null || !isLoopback(url.hostname)) return null;
  const key = writtenKey(entry, url);
  if (!isOurs && !isMeant(url, key, scene)) return null;
  const [, server = null] = /^\/(?:mcp|sse|ws)\/([^/]+)/.exec(url.pathname) ?? [];
  const project = url.searchParams.get("project");
  return {
    kind: "http",
    url,
    key,
    project,
    server: server === null ? null : decodeURIComponent(server),
  };
}

function addressIn(entry: Entry): URL | null {
  const texts = ["url", "httpUrl", "serverUrl", "uri"].map((key) => entry[key]);
  const text = texts.find((value) => typeof value === "string");
  return typeof text === "string" && URL.canParse(text) ? new URL(text) : null;
}

/** Other programs listen on this machine, too. */
function isMeant(url: URL, key: string | null, scene: Scene): boolean {
  if (key?.startsWith(KEY_PREFIX) === true) return true;
  const { urls = null } = scene.status ?? {};
  const live = urls === null ? [] : [new URL(urls.mcp).port];
  const ports = [String(scene.config.revision.daemon.port), ...live];
  return ports.includes(url.port) || (key !== null && key === keyOf(scene));
}

function writtenKey(entry: Entry, url: URL): string | null {
  const inUrl = url.searchParams.get("api_key");
  if (inUrl !== null) return inUrl;
  const headers = entry["headers"] ?? entry["http_headers"];
  if (typeof headers !== "object" || headers === null) return null;
  for (const [name, value] of Object.entries(headers)) {
    // A reference is none of ours to read.
    if (typeof value !== "string" || /[${]/.test(value)) continue;
    if (/^x-api-key$/i.test(name)) return value;
    const [, token] = /^authorization$/i.test(name) ? (/^Bearer +(\S+)$/i.exec(value) ?? []) : [];
    if (token !== undefined) return token;
  }
  return null;
}

/** The daemon's key, by the environment or its file; null when we cannot see it. */
export function keyOf({ config, environment }: Scene): string | null {
  const { apiKeyEnv, apiKeyFile } = config.revision.daemon;
  try {
    return environment[apiKeyEnv]?.trim() || readIfExists(apiKeyFile)?.trim() || null;
  } catch {
    return null;
  }
}
