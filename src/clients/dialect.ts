import type { Dialect, Entry, Translated, Way, Where } from "./client.ts";

/** How one client's common entry differs from the others'. */
type Traits = {
  /** The key of a remote server's address; "url" unless the client has its own. */
  readonly urlKey?: string;
  /** The key of the working directory. */
  readonly cwdKey?: string;
  /** Added to an entry that starts the bridge. */
  readonly extra?: Entry;
  /** The entry for HTTP, for clients that can name the key by reference. */
  readonly http?: (way: Way & { readonly kind: "http" }) => Entry;
};

const REMOTE_TYPES: ReadonlyMap<string, string> = new Map([
  ["http", "http"],
  ["streamable-http", "http"],
  ["streamableHttp", "http"],
  ["streamable_http", "http"],
  ["sse", "sse"],
  ["ws", "ws"],
]);

/** ${input:ID}, ${file:PATH} and the like, and what an editor knows of the open file and folder. */
const FOR_CLIENT = new RegExp(
  [
    "\\$\\{(?!env:)\\w+:(?!-)[^}]*\\}|\\$\\{\\{[^}]*\\}\\}",
    "\\$\\{(?:workspaceFolderBasename|file(?:Basename|Dirname|Extname|WorkspaceFolder)\\w*|file",
    "relativeFile\\w*|lineNumber|columnNumber|selectedText|execPath|defaultBuildTask|cwd|PWD)\\}",
  ].join("|"),
);

/**
 * The dialect nearly all clients speak: command, args, env or url, headers. Differences are traits.
 */
export function commonDialect(traits: Traits = {}): Dialect {
  const { urlKey = "url", cwdKey = "cwd", extra = {}, http } = traits;
  return {
    read(entry, where) {
      const special = reasonToLeave(entry);
      if (special !== null) return left(special);
      const url = text(entry[urlKey]) ?? text(entry["httpUrl"]) ?? text(entry["url"]);
      const command = text(entry["command"]);
      const tools = toolsOf(entry);
      if (command !== undefined) {
        const { args, env } = entry;
        return translated({ command, args, env, cwd: entry[cwdKey], tools }, where);
      }
      if (url === undefined) return left("it has neither a command nor a url");
      return translated({ url, headers: entry["headers"], type: entry["type"], tools }, where);
    },
    write(way) {
      if (way.kind === "bridge") return { command: way.command, args: [...way.args], ...extra };
      if (http === undefined) throw new Error("This client is connected by the bridge only");
      return http(way);
    },
  };
}

/** The parts of a server as a client names them, checked and in our own notation. */
export function translated(
  parts: {
    readonly command?: string;
    readonly args?: unknown;
    readonly env?: unknown;
    readonly cwd?: unknown;
    readonly url?: string;
    readonly headers?: unknown;
    readonly type?: unknown;
    readonly tools?: Entry | null;
  },
  where: Where,
): Translated {
  const { command, url } = parts;
  const args = strings(parts.args);
  const env = record(parts.env);
  const headers = record(parts.headers);
  if (args === null || env === null || headers === null) {
    return left("its args, env or headers are not what its client documents");
  }
  const type = REMOTE_TYPES.get(text(parts.type) ?? "");
  const cwd = text(parts.cwd);
  const entry: Entry =
    command === undefined
      ? { ...(type === "sse" || type === "ws" ? { type } : {}), url, ...some("headers", headers) }
      : { command, ...some("args", args), ...some("env", env), ...(cwd ? { cwd } : {}) };
  const filtered = { ...entry, ...some("tools", parts.tools ?? {}) };
  const asked = FOR_CLIENT.exec(JSON.stringify(entry))?.[0];
  if (asked !== undefined) return left(`only its client knows ${asked}`);
  return { kind: "server", entry: ourNotation(filtered, where) };
}

export function left(why: string): Translated {
  return { kind: "left", why };
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export const SWITCHED_OFF = "it is switched off there";

/** Why an entry cannot be taken over as it is; null when it can. */
export function reasonToLeave(entry: Entry): string | null {
  if (entry["disabled"] === true || entry["enabled"] === false) return SWITCHED_OFF;
  if (entry["envFile"] !== undefined) return "its variables come from a file of the client";
  if (entry["headersHelper"] !== undefined) return "its headers come from a command of the client";
  if (entry["authProviderType"] !== undefined) return "only its client can log in there";
  return null;
}

/** Which tools the client lets through, by all the names that has, as our filter; else null. */
export function toolsOf(entry: Entry): Entry | null {
  const allow = listOf(entry, ["includeTools", "enabled_tools", "available_tools"]);
  const deny = listOf(entry, ["excludeTools", "disabled_tools", "disabledTools"]);
  return allow.length + deny.length === 0
    ? null
    : { ...some("allow", allow), ...some("deny", deny) };
}

function listOf(entry: Entry, keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => strings(entry[key]) ?? []);
}

/**
 * Clients write ${env:NAME}, $NAME or {env:NAME} for a variable, ${workspaceFolder} for the project
 * and ${userHome} for the home directory; we write ${NAME}, {project} and the directory itself.
 */
function ourNotation(entry: Entry, where: Where): Entry {
  return withTexts(entry, (value) =>
    value
      .replaceAll(/\$\{env:([A-Za-z_]\w*)\}/g, "$${$1}")
      .replaceAll(/(?<!\$)\{env:([A-Za-z_]\w*)\}/g, "$${$1}")
      .replaceAll(/\$\{workspaceFolder\}/g, "{project}")
      .replaceAll(/\$\{userHome\}/g, () => where.home)
      .replaceAll(/\$\{(pathSeparator|\/)\}/g, where.system === "windows" ? "\\" : "/")
      .replace(/^\$([A-Za-z_]\w*)$/, "$${$1}"),
  );
}

/** An entry with each of its texts turned. */
export function withTexts(entry: Entry, turn: (text: string) => string): Entry {
  return JSON.parse(
    JSON.stringify(entry, (_key, value: unknown) =>
      typeof value === "string" ? turn(value) : value,
    ),
  ) as Entry;
}

function strings(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return null;
  const plain = value.every((item) => typeof item === "string" || typeof item === "number");
  return plain ? value.map(String) : null;
}

function record(value: unknown): Entry | null {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return null;
  const pairs = Object.entries(value);
  // Objects are references in our own notation, made by a client's own translation.
  const known = pairs.every(([, item]) => !Array.isArray(item) && item !== null);
  const written = pairs.map(([key, item]: [string, unknown]) => [
    key,
    typeof item === "object" || typeof item === "string" ? item : JSON.stringify(item),
  ]);
  return known ? (Object.fromEntries(written) as Entry) : null;
}

function some(key: string, value: readonly unknown[] | Entry): Entry {
  return Object.keys(value).length > 0 ? { [key]: value } : {};
}
