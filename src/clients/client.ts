// clients: the configs of MCP clients: where they are, how they are written, and changing them so
// that everything that is not ours stays byte for byte and can be taken back.

import { posix, win32 } from "node:path";

import type { Environment } from "../platform/platform.ts";
import type { Shape } from "./shape.ts";

/**
 * Whose MCP servers a list is: the user's everywhere, those of a project in a file of its own, or
 * (local) those of a project in a file of the user.
 */
export const CLIENT_SCOPES = ["user", "project", "local"] as const;

export type ClientScope = (typeof CLIENT_SCOPES)[number];

/** Where we look. Pure: every system can be asked for on every system. */
export type Where = {
  readonly system: "linux" | "darwin" | "windows";
  readonly home: string;
  readonly environment: Environment;
  /** Absolute path of the project; null when nobody asks for one. */
  readonly project: string | null;
};

/** An entry of a client's config, or of our mcpServers. */
export type Entry = { readonly [key: string]: unknown };

/** The texts of a list that should hold nothing else. */
export function textsOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

/** How a client gets to the daemon. */
export type Way =
  | { readonly kind: "bridge"; readonly command: string; readonly args: readonly string[] }
  | {
      readonly kind: "http";
      readonly url: string;
      /** Holds the API key; no client's config ever does. */
      readonly keyFile: string;
      /** A command line for a shell that prints the headers with the key as JSON. */
      readonly headersCommand: string;
    };

/** What became of a client's entry in our own terms. */
export type Translated =
  | { readonly kind: "server"; readonly entry: Entry }
  /** It stays where it is; `why` is the end of a sentence. */
  | { readonly kind: "left"; readonly why: string };

/** How a client writes one server. */
export type Dialect = {
  /** A client's entry as an entry of our mcpServers. */
  read(entry: Entry, where: Where): Translated;
  /** An entry that points at the daemon; `name` is the one it gets. */
  write(way: Way, name: string): Entry;
};

/** A file of a client that holds MCP servers. */
export type Place = {
  readonly scope: ClientScope;
  /** The first that exists is it; the first of all is the one that would be made. */
  readonly paths: readonly string[];
  /** Of scope "local": that of one project, under its directory under `projectsKey`. */
  readonly shape: Shape;
  readonly dialect: Dialect;
  readonly projectsKey?: string;
  /** Where its file lists the names of servers that it does not start; JSON only. */
  readonly offPath?: readonly string[];
  /** Where it lists all that it starts; without any it starts all. JSON only. */
  readonly onlyPath?: readonly string[];
};

export type Client = {
  /** What people type: "claude-code". */
  readonly id: string;
  /** What people call it: "Claude Code". */
  readonly title: string;
  /**
   * True when its config can name the key by reference without the user's help, so that HTTP needs
   * no secret in it. Everything else gets the bridge, which needs no key.
   */
  readonly http: boolean;
  /** Directories that are there when the client is installed, beside those of its files. */
  traces(where: Where): readonly string[];
  places(where: Where): readonly Place[];
};

/** Joins as the system does that is asked about. */
export function joinFor({ system }: Pick<Where, "system">, ...parts: readonly string[]): string {
  return (system === "windows" ? win32 : posix).join(...parts);
}

function isAbsoluteFor({ system }: Pick<Where, "system">, path: string): boolean {
  return (system === "windows" ? win32 : posix).isAbsolute(path);
}

/** True for a path that means another file in another directory. */
export function isRelativeFor(where: Pick<Where, "system">, path: string): boolean {
  return !/^(~|\$\{|\{project\})/.test(path) && !isAbsoluteFor(where, path);
}

/** A path in the home directory. */
export function inHome(where: Omit<Where, "project">, ...parts: readonly string[]): string {
  return joinFor(where, where.home, ...parts);
}

/** A path in $XDG_CONFIG_HOME, or in ~/.config where that is not set, on every system. */
export function inXdgConfig(where: Where, ...parts: readonly string[]): string {
  const given = where.environment["XDG_CONFIG_HOME"] ?? "";
  const base = isAbsoluteFor(where, given) ? given : inHome(where, ".config");
  return joinFor(where, base, ...parts);
}

/** A path where programs of the desktop keep their settings: Electron's "appData". */
export function inAppData(where: Where, ...parts: readonly string[]): string {
  switch (where.system) {
    case "linux":
      return inXdgConfig(where, ...parts);
    case "darwin":
      return inHome(where, "Library", "Application Support", ...parts);
    case "windows": {
      const given = where.environment["APPDATA"] ?? "";
      const base = isAbsoluteFor(where, given) ? given : inHome(where, "AppData", "Roaming");
      return joinFor(where, base, ...parts);
    }
  }
}

/** The places of scope "project", when a project is asked for. */
export function inProject(
  where: Where,
  parts: readonly (readonly string[])[],
  rest: Omit<Place, "scope" | "paths">,
): readonly Place[] {
  const { project } = where;
  if (project === null) return [];
  const paths = parts.map((names) => joinFor(where, project, ...names));
  return [{ scope: "project", paths, ...rest }];
}
