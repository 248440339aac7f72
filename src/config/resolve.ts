import { dirname, isAbsolute, join, resolve } from "node:path";

import * as v from "valibot";

import { type Fault, isFault } from "../core/fault.ts";
import type { Profile } from "../core/profile.ts";
import type { ConfigWarning, DaemonSettings, Revision, ServerSettings } from "../core/revision.ts";
import { mentionsProject } from "../core/scope.ts";
import {
  BUILTIN_UPSTREAM,
  type Reach,
  type Unit,
  type UnitSettings,
  type ValueRef,
} from "../core/unit.ts";
import { canonicalJson, sha256 } from "../lib/hash.ts";
import type { Paths, User } from "../platform/platform.ts";
import { pathText } from "./describe.ts";
import { idleKeys, inspect } from "./inspect.ts";
import { parseConfig, type Parsed } from "./parse.ts";
import { invalid, type Problem, problemOf } from "./problem.ts";
import type { ClientEntry } from "./schema-client.ts";
import {
  type BehaviourEntry,
  BehaviourSchema,
  type UpstreamEntry,
  type ValueEntry,
} from "./schema-upstream.ts";
import { type ConfigEntry, ConfigSchema, type DaemonEntry } from "./schema.ts";

/** Who and where we are, as far as a config depends on it. */
export type ConfigHost = {
  readonly paths: Pick<Paths, "apiKeyFile" | "configDir" | "stateDir">;
  readonly user: Pick<User, "name" | "home">;
};

const PORT_FIRST = 8321;
const PORT_COUNT = 100;

/**
 * The port of a user whose config says null (MISSION A4): 8321 plus the first two bytes of the
 * SHA-256 of the name, big endian, modulo 100.
 */
export function derivedPort(userName: string): number {
  return PORT_FIRST + (Number.parseInt(sha256(userName).slice(0, 4), 16) % PORT_COUNT);
}

/**
 * Turns a parsed file into a frozen revision. A wrong value anywhere makes it a "config.invalid"
 * fault that names the first problem and lists all in data.problems (line, column, expected,
 * received); unknown keys, literal secrets and keys that do nothing are warnings.
 */
function resolveConfig(parsed: Parsed, host: ConfigHost, number: number): Revision | Fault {
  const { entry, problems, warnings } = check(parsed);
  const refused = invalid(parsed, problems);
  return refused ?? revisionOf(entry, parsed.file, host, number, warnings);
}

/** Why an entry could not be in mcpServers, in words about the entry alone; null when it could. */
export function entryProblem(entry: unknown): string | null {
  const parsed = parseConfig(JSON.stringify({ mcpServers: { it: entry } }), "");
  if (isFault(parsed)) return parsed.text;
  const [first] = check(parsed).problems;
  if (first === undefined) return null;
  const [, , ...own] = first.path;
  const at = pathText(own);
  return at === "" ? first.what : `${at}: ${first.what}`;
}

/** What is wrong with a file, and what is odd in it, in its order. */
function check(parsed: Parsed): {
  /** Of a file with problems it is not whole. */
  readonly entry: ConfigEntry;
  readonly problems: readonly Problem[];
  readonly warnings: readonly ConfigWarning[];
} {
  const found = inspect(parsed);
  const checked = v.safeParse(ConfigSchema, found.value, { abortPipeEarly: true });
  const issues = checked.issues?.map((issue) => problemOf(parsed, issue)) ?? [];
  const idle = checked.success ? idleKeys(parsed, checked.output) : [];
  return {
    entry: checked.output as ConfigEntry,
    problems: [...found.problems, ...issues].sort(byPlace),
    warnings: [...parsed.warnings, ...found.warnings, ...idle].sort(byPlace),
  };
}

type Placed = { readonly line: number; readonly column: number };

function byPlace(a: Placed, b: Placed): number {
  return a.line - b.line || a.column - b.column;
}

/** The revision of no file at all: every key at its default, only the built-in upstream. */
export function defaultRevision(host: ConfigHost, number = 1): Revision {
  const entry = v.parse(ConfigSchema, {});
  return revisionOf(entry, null, host, number, []);
}

/** Text to revision in one step. */
export function readConfig(
  text: string,
  file: string,
  host: ConfigHost,
  number: number,
): Revision | Fault {
  const parsed = parseConfig(text, file);
  return isFault(parsed) ? parsed : resolveConfig(parsed, host, number);
}

function revisionOf(
  entry: ConfigEntry,
  path: string | null,
  host: ConfigHost,
  number: number,
  warnings: readonly ConfigWarning[],
): Revision {
  const base = path === null ? host.paths.configDir : dirname(path);
  const daemon = daemonOf(entry.daemon, base, host);
  const server = serverOf(entry);
  const builtin = unitOf(BUILTIN_UPSTREAM, { kind: "builtin" }, "user", false, "legacy", {
    ...settingsOf(v.parse(BehaviourSchema, {}), server),
  });
  const units = Object.entries(entry.mcpServers).map(([name, upstream]) => {
    const reach = reachOf(upstream, base, host.user.home);
    const settings = settingsOf(upstream, server);
    // Who writes {project} means one instance for each.
    const perProject = upstream.scope === "user" && mentionsProject(reach);
    const scope = perProject ? "project" : upstream.scope;
    return unitOf(name, reach, scope, upstream.disabled, upstream.era, settings);
  });
  const clients = Object.entries(entry.clients).map(([glob, client]) => profileOf(glob, client));
  const resolved = { daemon, server, clients, units: [builtin, ...units] };
  const hash = sha256(canonicalJson(resolved));
  return deepFreeze({ number, hash, path, ...resolved, warnings });
}

function daemonOf(entry: DaemonEntry, base: string, host: ConfigHost): DaemonSettings {
  const keyFile = entry.api_key_file;
  return {
    enabled: entry.enabled,
    host: entry.host,
    port: entry.port ?? derivedPort(host.user.name),
    auth: entry.auth,
    apiKeyFile: keyFile === null ? host.paths.apiKeyFile : absolute(keyFile, base, host.user.home),
    apiKeyEnv: entry.api_key_env,
    cors: {
      allowedOrigins: entry.cors.allowed_origins,
      allowCredentials: entry.cors.allow_credentials,
    },
    logLevel: entry.log_level,
    logLevels: entry.log_levels,
    logFormat: entry.log_format,
    logBytesMax: entry.log_rotation.max_bytes,
    logFilesMax: entry.log_rotation.backup_count,
    configPollMs: toMs(entry.config_poll_seconds),
    healthCheckMs: toMs(entry.health_check_interval),
    autoStart: entry.auto_start,
  };
}

function serverOf({ server }: ConfigEntry): ServerSettings {
  return {
    requestTimeoutMs: toMs(server.request_timeout_secs),
    messageBytesMax: server.max_message_bytes,
    answerBytesMax: server.max_answer_bytes,
    sessionIdleMs: toMs(server.session_idle_secs),
    sessionsMax: server.sessions_max,
  };
}

function settingsOf(entry: BehaviourEntry, server: ServerSettings): UnitSettings {
  const { timeout_secs: timeout, idle_stop_secs: idle, hedge_reads_secs: hedge } = entry;
  return {
    requestTimeoutMs: timeout === null ? server.requestTimeoutMs : toMs(timeout),
    startTimeoutMs: toMs(entry.start_timeout_secs),
    idleStopMs: idle === null ? null : toMs(idle),
    reconnect: entry.auto_reconnect,
    retriesMax: entry.max_retries,
    hedgeMs: hedge === null ? null : toMs(hedge),
    tools: { allow: entry.tools.allow, deny: entry.tools.deny },
    prefix: entry.prefix,
    trustReadOnly: entry.trust_read_only,
    reuse: {
      tools: Object.entries(entry.cache.tools).map(([glob, secs]) => ({ glob, ttlMs: toMs(secs) })),
      resourcesMs: toMs(entry.cache.resources_secs),
      forgottenBy: entry.cache.forget_on,
    },
  };
}

function profileOf(glob: string, entry: ClientEntry): Profile {
  const { tools, mode, description_length: description, result_length: result } = entry;
  const { allow, deny } = tools;
  return {
    glob,
    tools: { allow, deny },
    mode,
    descriptionLength: description,
    resultLength: result,
  };
}

function unitOf(
  upstream: string,
  reach: Reach,
  scope: Unit["scope"],
  disabled: boolean,
  era: Unit["era"],
  settings: UnitSettings,
): Unit {
  const hash = sha256(canonicalJson({ scope, reach, era }));
  return { key: upstream, upstream, scope, disabled, era, reach, settings, hash };
}

function reachOf(entry: UpstreamEntry, base: string, home: string): Reach {
  const { command, url } = entry;
  if (command !== undefined) {
    const isPath = /[/\\]/.test(command) || command.startsWith("~");
    return {
      kind: "stdio",
      command: isPath ? absolute(command, base, home) : command,
      args: entry.args,
      env: references(entry.env, base, home),
      cwd: entry.cwd === null ? null : absolute(entry.cwd, base, home),
      ...(entry.replicas === 1 ? {} : { replicas: entry.replicas }),
    };
  }
  const fromEnvironment = Object.entries(entry.headers_env).map(
    ([name, variable]): [string, ValueRef] => [name, { kind: "env", name: variable, prefix: "" }],
  );
  const headers = {
    ...references(entry.headers, base, home),
    ...Object.fromEntries(fromEnvironment),
  };
  // The schema lets an upstream through only with a command, a url or urls.
  const [first = "", ...others] = entry.urls ?? [url ?? ""];
  const env = references(entry.env, base, home);
  const remote = {
    ...({ kind: "remote", wire: wireOf(entry.type, first), url: first, headers } as const),
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
  return others.length === 0 ? remote : { ...remote, others };
}

function wireOf(type: UpstreamEntry["type"], url: string): "http" | "sse" | "ws" {
  if (type === "sse" || type === "ws") return type;
  return type === null && url.startsWith("ws") ? "ws" : "http";
}

function references(
  values: Readonly<Record<string, ValueEntry>>,
  base: string,
  home: string,
): Readonly<Record<string, ValueRef>> {
  const pairs = Object.entries(values).map(([name, value]): [string, ValueRef] => {
    if (typeof value === "string") return [name, { kind: "text", text: value }];
    const { prefix } = value;
    if ("env" in value) return [name, { kind: "env", name: value.env, prefix }];
    if ("keychain" in value) return [name, { kind: "keychain", ...value.keychain, prefix }];
    const path = absolute(value.file, base, home);
    return [name, { kind: "file", path, prefix }];
  });
  return Object.fromEntries(pairs);
}

/** A path as the file means it: "~" is the home, relative starts at the file, `${NAME}` waits. */
function absolute(path: string, base: string, home: string): string {
  if (path === "~") return home;
  if (path.startsWith("~/") || path.startsWith("~\\")) return join(home, path.slice(2));
  const later = path.startsWith("${") || path.startsWith("{project}");
  return later || isAbsolute(path) ? path : resolve(base, path);
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
