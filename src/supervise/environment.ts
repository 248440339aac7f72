import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { type Fault, fault, type FaultCode } from "../core/fault.ts";
import type { Unit, ValueRef } from "../core/unit.ts";
import { errorCode, fileVersion, reasonOf } from "../lib/files.ts";
import type { Environment, Platform } from "../platform/platform.ts";

/** A command with nothing left to resolve. It holds secrets: never log it whole. */
export type Launch = {
  readonly upstream: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly cwd: string;
};

/** What references are resolved in. */
export type Surroundings = {
  /** The daemon's own environment. */
  readonly environment: Environment;
  readonly platform: Platform;
  /** Aborted when nobody waits any more: a keychain that asks its user may take long. */
  readonly ending?: AbortSignal;
};

export type LaunchDeps = Surroundings & {
  /** PATH for children: see LoginPath. */
  readonly path: string;
  /** Variable that holds the daemon's own API key: only who names it gets it. */
  readonly keyVariable?: string | undefined;
};

/** What steers the daemon, its runtime or its service manager must not steer what it starts. */
const OURS =
  /^(BUN_|MCPD_|NODE_CHANNEL_|WATCHDOG_|LISTEN_(FD|PID)|(NODE_OPTIONS|NOTIFY_SOCKET|JOURNAL_STREAM)$)/;
const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;
const OTHERS = 0o077;

/**
 * Resolves a stdio unit at the moment of its start: `${NAME}` and `${NAME:-default}` in its texts,
 * secrets by reference, `~`. Command, args and cwd see the unit's own env, too. A rotated secret
 * shows with the next start; a fault names the first one that is missing.
 */
export async function resolveLaunch(unit: Unit, deps: LaunchDeps): Promise<Launch | Fault> {
  const { reach, upstream } = unit;
  if (reach.kind !== "stdio") throw new Error(`${upstream} is not started by a command`);
  const environment = withPath(deps.environment, deps.path);
  const resolver = new Resolver(upstream, { ...deps, environment });
  const env = baseEnvironment(resolver.environment);
  if (deps.keyVariable !== undefined) dropVariable(env, deps.keyVariable, deps.platform);
  const own = await resolver.values(reach.env);
  for (const [name, value] of Object.entries(own)) setVariable(env, name, value, deps.platform);
  // Arguments are text only: a secret of theirs is held by the env beside them.
  const words = resolver.with(own);
  const launch: Launch = {
    upstream,
    command: words.path(reach.command),
    args: reach.args.map((argument) => words.text(argument)),
    env,
    cwd: reach.cwd === null ? deps.platform.user.home : words.path(reach.cwd),
  };
  return words.problem ?? launch;
}

/**
 * What the references in a unit stand for at this moment, missing ones as "", the addresses it is
 * reached at, and the files that were read, each with its version before that. Null when it takes
 * asking the keychain.
 */
export function openValues(
  { reach, upstream }: Unit,
  surroundings: Surroundings,
): {
  readonly values: readonly string[];
  readonly urls: readonly string[];
  readonly files: ReadonlyMap<string, string>;
} | null {
  if (reach.kind === "builtin") return { values: [], urls: [], files: new Map() };
  const headers = reach.kind === "remote" ? reach.headers : {};
  const outer = new Resolver(upstream, surroundings);
  const own = outer.known(reach.env ?? {});
  const resolver = outer.with(own ?? {});
  const sent = resolver.known(headers);
  if (own === null || sent === null) return null;
  const text = (written: string): string => resolver.text(written);
  const urls = reach.kind === "remote" ? [reach.url, ...(reach.others ?? [])].map(text) : [];
  const words = reach.kind === "stdio" ? [reach.command, ...reach.args, reach.cwd ?? ""] : [];
  const values = [...words.map(text), ...urls, ...Object.values(own), ...Object.values(sent)];
  return { values, urls, files: new Map([...resolver.files, ...outer.files]) };
}

/** The daemon's environment as a child may see it. */
function baseEnvironment(environment: Environment): { [name: string]: string } {
  const kept: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !OURS.test(name)) kept[name] = value;
  }
  return kept;
}

/** A variable, or ""; Windows does not care about the case of its name. */
export function environmentValue(environment: Environment, name: string): string {
  return environment[spelling(environment, name)] ?? "";
}

/** The daemon's environment with the PATH for children. */
function withPath(environment: Environment, path: string): Environment {
  return { ...environment, [spelling(environment, "PATH")]: path };
}

function spelling(environment: Environment, name: string): string {
  if (environment[name] !== undefined) return name;
  const names = Object.keys(environment);
  return names.find((other) => other.toUpperCase() === name.toUpperCase()) ?? name;
}

function setVariable(
  env: { [name: string]: string },
  name: string,
  value: string,
  platform: Platform,
): void {
  dropVariable(env, name, platform);
  env[name] = value;
}

/** On Windows "Path" and "PATH" are one variable, of which a child may see only one. */
function dropVariable(env: { [name: string]: string }, name: string, platform: Platform): void {
  delete env[name];
  if (platform.name !== "windows") return;
  for (const other of Object.keys(env)) {
    if (other.toUpperCase() === name.toUpperCase()) delete env[other];
  }
}

/** Resolves one after another and keeps the first problem. */
export class Resolver {
  problem: Fault | null = null;
  /** What was read, and its version before that. */
  readonly files = new Map<string, string>();
  readonly #upstream: string;
  readonly #surroundings: Surroundings;

  constructor(upstream: string, surroundings: Surroundings) {
    this.#upstream = upstream;
    this.#surroundings = surroundings;
  }

  get environment(): Environment {
    return this.#surroundings.environment;
  }

  /** The same with more variables, and with the problem there may be already. */
  with(own: Environment): Resolver {
    const environment = { ...this.environment, ...own };
    const more = new Resolver(this.#upstream, { ...this.#surroundings, environment });
    more.problem = this.problem;
    return more;
  }

  /** All that could be found. */
  async values(references: {
    readonly [name: string]: ValueRef;
  }): Promise<{ [name: string]: string }> {
    const found: (readonly [string, string])[] = [];
    for (const [name, reference] of Object.entries(references)) {
      const value = await this.#value(reference);
      if (value !== null) found.push([name, value]);
    }
    return Object.fromEntries(found);
  }

  /** All at once, what could not be found as ""; null when it takes asking the keychain. */
  known(references: { readonly [name: string]: ValueRef }): { [name: string]: string } | null {
    const found: (readonly [string, string])[] = [];
    for (const [name, reference] of Object.entries(references)) {
      if (reference.kind === "keychain") return null;
      found.push([name, this.#known(reference) ?? ""]);
    }
    return Object.fromEntries(found);
  }

  async #value(reference: ValueRef): Promise<string | null> {
    if (reference.kind !== "keychain") return this.#known(reference);
    const secret = await this.#keychain(reference);
    return secret === null ? null : reference.prefix + secret;
  }

  #known(reference: Exclude<ValueRef, { kind: "keychain" }>): string | null {
    if (reference.kind === "text") return this.text(reference.text);
    const secret =
      reference.kind === "env" ? this.#variable(reference.name) : this.#file(reference.path);
    return secret === null ? null : reference.prefix + secret;
  }

  text(text: string): string {
    return text.replaceAll(REFERENCE, (_whole, name: string, fallback: string | undefined) => {
      const value = this.environment[name];
      if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
      return this.#variable(name) ?? "";
    });
  }

  /** A text with `~` for the home directory at its beginning. */
  path(text: string): string {
    const path = this.text(text);
    if (path !== "~" && !/^~[/\\]/.test(path)) return path;
    return join(this.#surroundings.platform.user.home, path.slice(1));
  }

  #variable(name: string): string | null {
    const value = this.environment[name];
    if (value !== undefined) return value;
    return this.#missing(`the environment variable ${name}`, "is not set where mcpd runs", name);
  }

  #file(reference: string): string | null {
    const path = this.path(reference);
    this.files.set(path, fileVersion(path));
    try {
      const { mode } = statSync(path);
      if (this.#surroundings.platform.name !== "windows" && (mode & OTHERS) !== 0) {
        return this.#missing(`the file ${path}`, `can be read by others (chmod 600 ${path})`, path);
      }
      return readFileSync(path, "utf8").replace(/\r?\n$/, "");
    } catch (error) {
      const state =
        errorCode(error) === "ENOENT" ? "does not exist" : `cannot be read: ${reasonOf(error)}`;
      return this.#missing(`the file ${path}`, state, path);
    }
  }

  async #keychain(item: { service: string; account: string }): Promise<string | null> {
    // It may ask its user, who need not be asked for what is of no use any more.
    if (this.problem !== null) return null;
    const { service, account } = item;
    const { platform, ending } = this.#surroundings;
    const answer = await platform.keychain(service, account, ending);
    if (answer.kind === "value") return answer.value;
    const what = `the keychain's secret of service "${service}", account "${account}",`;
    if (answer.kind === "missing") return this.#missing(what, "is not there", service);
    return this.#missing(what, `cannot be read: ${answer.why}`, service, "secret.locked");
  }

  #missing(what: string, state: string, subject: string, code: FaultCode = "secret.missing"): null {
    const text = `Cannot start upstream "${this.#upstream}": ${what} ${state}`;
    this.problem ??= fault(code, text, subject);
    return null;
  }
}
