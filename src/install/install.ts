import { rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import {
  checkEnvironment,
  checkInstalled,
  checkOther,
  checkOutside,
  checkSpace,
} from "./checks.ts";
import {
  layVersion,
  pruneVersions,
  repairSteps,
  stateVersion,
  swapProgram,
  writeReceipt,
} from "./deploy.ts";
import type { InstallInfo } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { pathSteps, planPath } from "./path-steps.ts";
import { makeDirectory, namesIn, removeEmpty } from "./place.ts";
import { registerService, rememberService, verifyHealth } from "./service-steps.ts";
import { exists, type Installed, OWN, readInstalled } from "./state.ts";
import type { Step, Undo } from "./steps.ts";

export type InstallOptions = {
  readonly allowDowngrade: boolean;
  readonly modifyPath: boolean;
};

export type Plan = {
  readonly steps: readonly Step[];
  /** What the user should do or know afterwards. */
  readonly notes: readonly string[];
};

const PRIVATE_DIRECTORY = 0o700;

/** All that `mcpd install` does, in order (MISSION A9). Changes nothing; a fault: it cannot be. */
export function planInstall(machine: Machine, options: InstallOptions): Plan | Fault {
  const { layout, self, service } = machine;
  const { executable, version } = self;
  if (executable === null) return fault("install.source");
  const installed = readInstalled(layout);
  const path = planPath(machine, options.modifyPath);
  const onPath = pathSteps(machine, path);
  const previous = previousOf(installed, version);
  const info = (): InstallInfo => ({
    version,
    commit: self.commit,
    installedAt: new Date(machine.clock.now()).toISOString(),
    previous,
    owner: OWN,
    pathFiles: union(installed.info?.pathFiles, onPath.files),
    links: union(installed.info?.links, onPath.links),
    config: machine.config,
    service: service?.label ?? installed.info?.service ?? null,
  });
  const steps = [
    checkEnvironment(machine),
    checkSpace(machine, () => statSync(executable).size),
    checkInstalled(installed, version, options.allowDowngrade),
    ...(service === null
      ? []
      : [checkOther(machine), checkOutside(machine), rememberService(machine, service)]),
    ...repairSteps(layout, installed),
    makeDirectories(machine),
    layVersion(layout, version, () => executable),
    swapProgram(layout, version),
    stateVersion(layout, version),
    ...onPath.steps,
    ...(machine.config === null ? [provideConfig(machine)] : []),
    provideKey(machine),
    ...(service === null
      ? []
      : [registerService(machine, service), verifyHealth(machine, version)]),
    writeReceipt(layout, info),
    pruneVersions(layout, [version, previous]),
  ];
  return { steps, notes: path.kind === "none" && path.note !== null ? [path.note] : [] };
}

/** The version to go back to: the one that is replaced, as far as its executable is kept. */
export function previousOf({ info, versions }: Installed, version: string): string | null {
  const before = info?.version === version ? info.previous : (info?.version ?? null);
  return before !== null && before !== version && versions.includes(before) ? before : null;
}

function makeDirectories({ layout, paths }: Machine): Step {
  const { configDir, stateDir, logsDir, dataDir } = paths;
  const all = [
    layout.root,
    layout.binDir,
    layout.versionsDir,
    configDir,
    stateDir,
    logsDir,
    dataDir,
  ];
  return {
    title: `Make the folders ${layout.root}, ${configDir} and ${stateDir}`,
    async apply() {
      const undos: Undo[] = [];
      const back = async (): Promise<void> => {
        for (const undo of undos) await undo();
      };
      try {
        for (const directory of all) {
          const undo = makeDirectory(directory, PRIVATE_DIRECTORY);
          if (undo !== null) undos.unshift(undo);
        }
      } catch (error) {
        await back();
        throw error;
      }
      return undos.length === 0 ? null : back;
    },
  };
}

function provideConfig({ paths, provideConfig: provide }: Machine): Step {
  return {
    title: `Write the default config ${paths.configFile} if there is none`,
    async apply() {
      if (exists(paths.configFile)) return null;
      const directories = [dirname(paths.configFile), paths.stateDir];
      const before = directories.flatMap(filesIn);
      const problem = await provide();
      if (problem !== null) return problem;
      // The schema beside it, and what has been read of it since, are of no use without it.
      return () => {
        const made = directories.flatMap(filesIn).filter((file) => !before.includes(file));
        for (const file of made) rmSync(file, { force: true });
      };
    },
  };
}

function filesIn(directory: string): readonly string[] {
  return namesIn(directory)
    .map((name) => join(directory, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function provideKey({ paths, provideKey: provide }: Machine): Step {
  return {
    title: `Make an API key in ${paths.apiKeyFile} if there is none`,
    async apply() {
      const there = exists(paths.apiKeyFile);
      const directoryThere = exists(dirname(paths.apiKeyFile));
      const problem = await provide();
      if (isFault(problem)) return problem;
      if (there) return null;
      return () => {
        rmSync(paths.apiKeyFile, { force: true });
        if (!directoryThere) removeEmpty(dirname(paths.apiKeyFile));
      };
    },
  };
}

function union(one: readonly string[] | undefined, other: readonly string[]): readonly string[] {
  return [...new Set([...(one ?? []), ...other])];
}
