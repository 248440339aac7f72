// The steps that install and upgrade share: a version to its folder, and the stable path to it. The
// receipt is written last: until it is there, the next run goes back to what the old one says.

import { mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { readIfExists } from "../lib/files.ts";
import { type InstallInfo, type Layout, programOf } from "./layout.ts";
import {
  copyProgram,
  partialBeside,
  partialsIn,
  placeProgram,
  placeText,
  replace,
  sameProgram,
  sweep,
} from "./place.ts";
import { exists, type Installed, ownFolders } from "./state.ts";
import type { Step } from "./steps.ts";

const PRIVATE_DIRECTORY = 0o700;
const TEXT_MODE = 0o644;

/** Makes the disk agree with the receipt after a run that was cut off; nothing when it does. */
export function repairSteps(layout: Layout, installed: Installed): readonly Step[] {
  const { info, torn, leftovers } = installed;
  const steps: Step[] = [];
  const kept = info !== null && exists(programOf(layout, info.version));
  if (torn && kept) {
    steps.push({
      title: `Go back to mcpd ${info.version}: an earlier run was cut off`,
      apply() {
        mkdirSync(layout.binDir, { recursive: true, mode: PRIVATE_DIRECTORY });
        if (!sameProgram(programOf(layout, info.version), layout.program)) {
          placeProgram(programOf(layout, info.version), layout.program, "link");
        }
        placeText(layout.versionFile, `${info.version}\n`, TEXT_MODE);
        return null;
      },
    });
  }
  if (leftovers.length > 0) {
    steps.push({
      title: "Remove what an earlier run left unfinished",
      apply() {
        sweep(leftovers);
        return null;
      },
    });
  }
  return steps;
}

/** The executable into the folder of its version; `from` is read when the step is done. */
export function layVersion(layout: Layout, version: string, from: () => string): Step {
  const program = programOf(layout, version);
  return {
    title: `Copy mcpd ${version} to ${program}`,
    apply() {
      const folder = dirname(program);
      if (exists(program)) {
        // Another build of the same version, or a file that somebody has damaged.
        return sameProgram(from(), program) ? null : placeProgram(from(), program, "copy");
      }
      mkdirSync(layout.versionsDir, { recursive: true, mode: PRIVATE_DIRECTORY });
      const partial = partialBeside(folder);
      mkdirSync(partial, { mode: PRIVATE_DIRECTORY });
      try {
        copyProgram(from(), join(partial, program.slice(folder.length + 1)));
        // A folder without its executable is no version.
        rmSync(folder, { recursive: true, force: true });
        replace(partial, folder);
      } catch (error) {
        rmSync(partial, { recursive: true, force: true });
        throw error;
      }
      return () => sweep([folder]);
    },
  };
}

/** The stable path to a version. There is no moment without a program. */
export function swapProgram(layout: Layout, version: string): Step {
  return {
    title: `Point ${layout.program} to mcpd ${version}`,
    apply() {
      const program = programOf(layout, version);
      if (exists(layout.program) && sameProgram(program, layout.program)) return null;
      return placeProgram(program, layout.program, "link");
    },
  };
}

export function stateVersion(layout: Layout, version: string): Step {
  return {
    title: `Write ${layout.versionFile}`,
    apply() {
      const text = `${version}\n`;
      if (readIfExists(layout.versionFile) === text) return null;
      return placeText(layout.versionFile, text, TEXT_MODE);
    },
  };
}

/** `info` is asked when everything before it has been done. */
export function writeReceipt(layout: Layout, info: () => InstallInfo): Step {
  return {
    title: `Write ${layout.infoFile}`,
    apply: () => placeText(layout.infoFile, `${JSON.stringify(info(), null, 2)}\n`, TEXT_MODE),
  };
}

/** Keeps these versions and removes the others, with what the steps before kept for their undo. */
export function pruneVersions(layout: Layout, keep: readonly (string | null)[]): Step {
  return {
    title: `Keep ${keep.filter((version) => version !== null).join(" and ")}, remove older ones`,
    apply() {
      sweep(ownFolders(layout).filter((folder) => !keep.includes(basename(folder))));
      sweep(partialsIn([layout.root, layout.binDir, layout.versionsDir]));
      for (const version of keep) {
        if (version !== null) sweep(partialsIn([join(layout.versionsDir, version)]));
      }
      return null;
    },
  };
}
