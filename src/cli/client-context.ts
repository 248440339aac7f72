import { existsSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

import type { Client, Where } from "../clients/client.ts";
import { snapshot } from "../clients/files.ts";
import { Journal } from "../clients/journal.ts";
import type { Link } from "../clients/link.ts";
import type { Merged, Rules } from "../clients/merge.ts";
import { CLIENTS } from "../clients/registry.ts";
import { MCP_SERVERS } from "../clients/shape.ts";
import type { Change } from "../clients/write.ts";
import { type Edit, editText } from "../config/edit.ts";
import { jsonSchema } from "../config/json-schema.ts";
import { entryProblem, readConfig } from "../config/resolve.ts";
import { nameProblem } from "../config/schema-upstream.ts";
import { refusal } from "../config/store.ts";
import { CONFIG_TEMPLATE, SCHEMA_FILE_NAME } from "../config/template.ts";
import { fault, FaultError, isFault } from "../core/fault.ts";
import { didYouMean } from "../core/spelling.ts";
import { type InstallInfo, layoutOf } from "../install/layout.ts";
import { urlHost } from "../lib/address.ts";
import { systemClock } from "../lib/clock.ts";
import { readIfExists } from "../lib/files.ts";
import type { Platform } from "../platform/platform.ts";
import type { Arguments, GlobalOptions } from "./command.ts";
import { configText } from "./config-change.ts";
import { type ConfigFile, inForce, openConfig, orThrow } from "./config-file.ts";
import { ownProgram } from "./own-program.ts";

const PRIVATE = 0o600;

/** The client that a command is about. */
export const CLIENT = {
  client: { type: "positional", required: true, description: "The client: see 'mcpd clients'" },
} as const satisfies Arguments;

export const PROJECT = {
  project: {
    type: "string",
    valueHint: "DIR",
    description: "Directory of the project (default: this one)",
  },
} as const satisfies Arguments;

/** What the commands about clients share. */
export type ClientContext = {
  readonly config: ConfigFile;
  readonly where: Where;
  readonly link: Link;
  readonly journal: Journal;
};

export function clientContext(options: GlobalOptions, project: string | null): ClientContext {
  const config = openConfig(options.config);
  const { platform, discovery } = config;
  const { origin } = discovery;
  const { name: system, user, paths } = platform;
  return {
    config,
    where: { system, home: user.home, environment: process.env, project },
    link: {
      program: programOf(platform),
      // A client hands on neither our flags nor our environment.
      flags: ["flag", "environment"].includes(origin) ? ["--config", config.store.path] : [],
      http: serviceOf(config),
    },
    journal: new Journal(join(paths.keptDir, "backups"), systemClock),
  };
}

/** The client of that id or name. Throws client.unknown with the nearest one. */
export function clientNamed(word: string): Client {
  const wanted = word.toLowerCase();
  const found = CLIENTS.find(({ id, title }) => id === wanted || title.toLowerCase() === wanted);
  if (found !== undefined) return found;
  const guess = didYouMean(
    word,
    CLIENTS.map(({ id }) => id),
  );
  throw new FaultError(fault("client.unknown", `There is no client "${word}"${guess}`, word));
}

/** What merging has to know of names and secrets. */
export function rulesOf({ config }: ClientContext): Rules {
  const { store, platform } = config;
  return {
    nameProblem,
    entryProblem: (entry) => {
      const problem = entryProblem(entry);
      return problem === null ? null : `mcpd cannot run it: ${problem}`;
    },
    secretFile: (server, slot) => join(platform.paths.configDir, "secrets", `${server}-${slot}`),
    reveal: (file) => {
      const path = isAbsolute(file) ? file : join(dirname(store.path), file);
      try {
        return readIfExists(path)?.replace(/\r?\n$/, "") ?? null;
      } catch {
        return null;
      }
    },
  };
}

/**
 * The files that bring these upstreams and settings into the config: secrets first, so that nothing
 * ever refers to a file that is not there. Throws the fault of a result that would not be valid.
 */
export async function configChanges(
  { config }: ClientContext,
  merged: readonly Merged[],
  settings: readonly { readonly path: readonly string[]; readonly value: unknown }[] = [],
): Promise<readonly Change[]> {
  const { store, platform } = config;
  const fresh = merged.filter(({ isNew }) => isNew);
  if (fresh.length === 0 && settings.length === 0) return [];
  const edits: readonly Edit[] = [
    ...fresh.map(({ name, entry }): Edit => {
      return { kind: "set", path: ["mcpServers", name], value: entry };
    }),
    ...settings.map(({ path, value }): Edit => ({ kind: "set", path, value })),
  ];
  const standing = configText(config);
  const after = orThrow(editText(standing ?? CONFIG_TEMPLATE, edits));
  const checked = readConfig(after, store.path, platform, 1);
  if (isFault(checked)) {
    const now = readConfig(standing ?? CONFIG_TEMPLATE, store.path, platform, 1);
    throw new FaultError(refusal(checked, now));
  }
  const secrets = fresh.flatMap((upstream) => upstream.secrets);
  const files = secrets.map(({ file, value }): Change => {
    return { ...required(file, `${value}\n`), neededBy: store.path };
  });
  if (standing === null) {
    const schema = join(dirname(store.path), SCHEMA_FILE_NAME);
    files.push(required(schema, `${JSON.stringify(await jsonSchema(), null, 2)}\n`));
  }
  return [...files, { ...required(store.path, after), shapes: [MCP_SERVERS] }];
}

function required(path: string, after: string): Change {
  const before = orThrow(snapshot(path));
  return { before, after, mode: PRIVATE, required: true };
}

/** The installed copy, whose path survives upgrades; else what runs now. */
function programOf({ paths }: Platform): Link["program"] {
  return existsSync(paths.program) ? [paths.program] : ownProgram();
}

/** Only a service is there again after a restart of the machine. */
function serviceOf(config: ConfigFile): Link["http"] {
  const receipt = readIfExists(layoutOf(config.platform.paths).infoFile);
  if (receipt === null || !namesService(receipt)) return null;
  const { host, port, apiKeyFile } = inForce(config).daemon;
  return { url: `http://${urlHost(host)}:${port}/mcp`, keyFile: apiKeyFile };
}

function namesService(receipt: string): boolean {
  try {
    return typeof (JSON.parse(receipt) as Partial<InstallInfo>).service === "string";
  } catch {
    return false;
  }
}
