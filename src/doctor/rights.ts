import { chmodSync, type Stats, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import { readIfExists, reasonOf, visibleNames } from "../lib/files.ts";
import { shellWord } from "../lib/text.ts";
import type { Finding } from "./finding.ts";
import type { Check, Scene } from "./scene.ts";

const OTHERS = 0o077;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** Who may read what is ours, whose it is, and whether there is a key. */
export const rightsCheck: Check = {
  title: "files",
  limitMs: 5_000,
  run: (scene) => {
    const { name } = scene.platform.user;
    return [...ofKey(scene), ...placesOf(scene).flatMap((path) => ofPlace(path, name))];
  },
};

/** All that nobody else has a business in. Windows keeps a home from others by itself. */
function placesOf({ platform, config }: Scene): readonly string[] {
  if (platform.name === "windows") return [];
  const { paths } = platform;
  const { configDir, stateDir, dataDir, keptDir, logsDir, cacheDir } = paths;
  const secrets = join(configDir, "secrets");
  const directories = [configDir, stateDir, dataDir, keptDir, logsDir, cacheDir, secrets];
  const files = [
    config.path,
    config.revision.daemon.apiKeyFile,
    ...visibleNames(secrets).map((name) => join(secrets, name)),
  ];
  return [...new Set([...directories, ...files, dirname(paths.controlAddress)])];
}

function ofPlace(path: string, user: string): readonly Finding[] {
  const stats = statOf(path);
  if (stats === null) return [];
  const { uid } = userInfo();
  if (stats.uid !== uid) {
    const what = `${path} belongs to another user (${stats.uid})`;
    const why = "It was made by a mcpd or an editor under sudo; mcpd cannot change it";
    const mend = `sudo chown -R ${user} ${shellWord(path)}`;
    const about = { name: "file.owner", subject: path, severity: "error" } as const;
    return [{ ...about, what, why, mend, fix: null }];
  }
  if ((stats.mode & OTHERS) === 0) return [];
  const mode = stats.isDirectory() ? DIRECTORY_MODE : FILE_MODE;
  const octal = mode.toString(8);
  return [
    {
      name: "file.rights",
      subject: path,
      severity: "warning",
      what: `Other users of this machine have rights on ${path} (${shown(stats)})`,
      why: "Key, config, logs and sockets are for you alone",
      mend: `chmod ${octal} ${shellWord(path)}`,
      fix: { text: `Set the rights of ${path} to ${octal}`, apply: async () => close(path, mode) },
    },
  ];
}

function ofKey({ config, environment, status }: Scene): readonly Finding[] {
  const { auth, apiKeyFile, apiKeyEnv } = config.revision.daemon;
  const inShell = (environment[apiKeyEnv] ?? "").trim() !== "";
  if (auth === "none" || inShell) return [];
  const about = { name: "key.missing", subject: apiKeyFile, fix: null } as const;
  const key = readKey(apiKeyFile);
  if (key === null) {
    if (status === null) return [];
    const why = `The daemon writes it when it starts; perhaps it has its key from ${apiKeyEnv}`;
    const what = `There is no API key in ${apiKeyFile}`;
    return [{ ...about, severity: "warning", what, why, mend: "mcpd restart" }];
  }
  if (key === "") {
    const what = `The API key file ${apiKeyFile} is empty`;
    const mend = `rm ${shellWord(apiKeyFile)} && mcpd restart`;
    return [{ ...about, severity: "error", what, why: "Nobody can use TCP without a key", mend }];
  }
  return [];
}

/** Null when there is none; a file we may not read is told by its owner or rights. */
function readKey(file: string): string | null {
  try {
    return readIfExists(file)?.trim() ?? null;
  } catch {
    return null;
  }
}

function close(path: string, mode: number): Fault | null {
  try {
    chmodSync(path, mode);
    return null;
  } catch (error) {
    return fault("file.failed", `Cannot change the rights of ${path}: ${reasonOf(error)}`, path);
  }
}

function shown({ mode }: Stats): string {
  return (mode & 0o777).toString(8);
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
