import {
  copyFileSync,
  type Dirent,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { editServers } from "../clients/document.ts";
import { geminiDirectory } from "../clients/known/gemini-cli.ts";
import { OUR_NAME } from "../clients/link.ts";
import { MCP_SERVERS } from "../clients/shape.ts";
import { errorCode, readIfExists } from "../lib/files.ts";
import type { Environment } from "../platform/platform.ts";
import { orThrow } from "./config-file.ts";
import { here } from "./here.ts";

export type Entry = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
};

/** How a client is given a config for one run only. */
export type Way = {
  readonly words?: (file: string, entry: Entry) => readonly string[];
  readonly env?: (file: string, folder: string) => { readonly [name: string]: string };
  /** Writes the config into the folder and returns its path; the common shape by default. */
  readonly write?: (folder: string, entry: Entry, environment: Environment) => string;
};

/** Headless clients and what their documentation says of a config for one run. */
export const GATEWAY_WAYS: { readonly [client: string]: Way } = {
  // It takes as many files as follow, so a flag comes after the last one.
  claude: { words: (file) => ["--mcp-config", file, "--strict-mcp-config"] },
  codex: { words: (_, entry) => codexWords(entry) },
  copilot: {
    words: (file) => ["--additional-mcp-config", `@${file}`],
    write: (folder, entry) => writeJson(folder, servers({ type: "local", ...entry, tools: ["*"] })),
  },
  // It takes a file of settings from nobody but root: a home with settings of ours it takes.
  gemini: { env: (_, folder) => ({ GEMINI_CLI_HOME: folder }), write: writeGeminiHome },
  opencode: {
    env: (file) => ({ OPENCODE_CONFIG: file }),
    write: (folder, { command, args, env }) => {
      const local = { type: "local", command: [command, ...args], environment: env };
      return writeJson(folder, { mcp: { [OUR_NAME]: { ...local, enabled: true } } });
    },
  },
};

export function writeServers(folder: string, entry: Entry): string {
  return writeJson(folder, servers(entry));
}

function servers(entry: object): object {
  return { mcpServers: { [OUR_NAME]: entry } };
}

function writeJson(folder: string, content: object): string {
  return writePrivate(join(folder, "mcp.json"), JSON.stringify(content, null, 2));
}

function writePrivate(file: string, text: string): string {
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** Overrides of its TOML config: strings and arrays of JSON are those of TOML. */
function codexWords({ command, args, env }: Entry): readonly string[] {
  const table = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    `command=${JSON.stringify(command)}`,
    `args=${JSON.stringify(args)}`,
    `env={${table.join(",")}}`,
  ].flatMap((override) => ["-c", `mcp_servers.${OUR_NAME}.${override}`]);
}

/** The user's own directory of Gemini CLI in all but the settings, which have us as well. */
function writeGeminiHome(folder: string, entry: Entry, environment: Environment): string {
  const settings = "settings.json";
  const { name: system, user } = here();
  const from = geminiDirectory({ system, home: user.home, environment });
  const to = join(folder, ".gemini");
  mkdirSync(to);
  const all = existsSync(from) ? readdirSync(from, { withFileTypes: true }) : [];
  for (const found of all.filter((one) => one.name !== settings)) linkEntry(found, to);
  const path = join(from, settings);
  const edits = { set: [[OUR_NAME, entry] as const], remove: [] };
  const text = orThrow(editServers(readIfExists(path) ?? "", MCP_SERVERS, path, edits));
  return writePrivate(join(to, settings), text);
}

function linkEntry(entry: Dirent, to: string): void {
  const [from, path] = [join(entry.parentPath, entry.name), join(to, entry.name)];
  try {
    symlinkSync(from, path, entry.isDirectory() ? "junction" : "file");
  } catch (error) {
    // Windows lets few users link to files.
    if (errorCode(error) !== "EPERM" || entry.isDirectory()) throw error;
    copyFileSync(from, path);
  }
}
