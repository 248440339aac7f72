import { lstatSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { ControlClient } from "../control/client.ts";
import { isAlive, readRuntime, removeRuntime } from "../control/runtime-file.ts";
import { type Fault, fault, FaultError } from "../core/fault.ts";
import { readIfExists, reasonOf, visibleNames } from "../lib/files.ts";
import { shellWord } from "../lib/text.ts";
import type { Finding } from "./finding.ts";
import type { Check, Scene } from "./scene.ts";

/** Who writes a file is done within a moment. */
const HALF_WRITTEN_MS = 60 * 60_000;

/** What a program of ours leaves when it is killed, or the machine loses its power. */
export const leftoversCheck: Check = {
  title: "leftovers",
  limitMs: 10_000,
  async run(scene) {
    const { paths, name } = scene.platform;
    const { status, bootstrap } = scene;
    const found: Finding[] = [];
    if (name !== "windows") {
      if (status === null) found.push(...ofSocket(paths.controlAddress));
      if (bootstrap === null) found.push(...ofSocket(paths.bootstrapAddress));
    }
    if (bootstrap === null) found.push(...(await ofRuntime(scene)));
    if (status === null) found.push(...ofAnnouncement(paths.announcementFile));
    return [...found, ...ofHalfWritten(scene)];
  },
};

function ofSocket(address: string): readonly Finding[] {
  if (lstatSync(address, { throwIfNoEntry: false }) === undefined) return [];
  const apply = async (): Promise<Fault | null> => {
    // Somebody may have started one since.
    return (await answers(address)) ? null : remove(address);
  };
  return [stale("stale.socket", address, "Nobody listens there: its daemon was killed", apply)];
}

async function ofRuntime({ platform }: Scene): Promise<readonly Finding[]> {
  const file = platform.paths.runtimeFile;
  const runtime = readRuntime(file);
  if (runtime === null) return [];
  const alive = await isAlive(runtime, (pid) => platform.processIdentity(pid));
  if (alive) {
    const what = `The bootstrap (pid ${runtime.pid}) runs, and does not answer`;
    const why = `${platform.paths.bootstrapAddress} was removed, or it hangs`;
    const about = { name: "bootstrap.mute", subject: file, severity: "error" } as const;
    return [{ ...about, what, why, mend: `kill ${runtime.pid}`, fix: null }];
  }
  const apply = async (): Promise<Fault | null> => {
    removeRuntime(file, runtime.pid);
    return null;
  };
  return [stale("stale.runtime", file, `It names pid ${runtime.pid}, which has ended`, apply)];
}

function ofAnnouncement(file: string): readonly Finding[] {
  const text = readText(file);
  if (!text.includes('"name": "mcpd"')) return [];
  const why = "It tells other programs of a daemon that does not run";
  return [stale("stale.announcement", file, why, async () => remove(file))];
}

/** Files that were about to take the place of others. */
function ofHalfWritten({ platform, clock }: Scene): readonly Finding[] {
  const { configDir, stateDir, dataDir } = platform.paths;
  const directories = new Set([configDir, stateDir, dataDir, dirname(platform.paths.apiKeyFile)]);
  return [...directories].flatMap((directory) =>
    visibleNames(directory)
      .filter((name) => /^\..+\.[0-9a-f]{8}\.tmp$/.test(name))
      .map((name) => join(directory, name))
      .filter((path) => clock.now() - changedMs(path) > HALF_WRITTEN_MS)
      .map((path) => {
        const why = "Somebody was stopped while writing; the file itself is whole";
        return stale("stale.file", path, why, async () => remove(path));
      }),
  );
}

function stale(
  name: string,
  path: string,
  why: string,
  apply: () => Promise<Fault | null>,
): Finding {
  return {
    name,
    subject: path,
    severity: "warning",
    what: `${path} is left behind`,
    why,
    mend: `rm ${shellWord(path)}`,
    fix: { text: `Remove ${path}`, apply },
  };
}

async function answers(address: string): Promise<boolean> {
  try {
    (await ControlClient.connect(address)).close();
    return true;
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}

function remove(path: string): Fault | null {
  try {
    rmSync(path, { force: true });
    return null;
  } catch (error) {
    return fault("file.failed", `Cannot remove ${path}: ${reasonOf(error)}`, path);
  }
}

function readText(file: string): string {
  try {
    return readIfExists(file) ?? "";
  } catch {
    return "";
  }
}

function changedMs(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
}
