// What is looked at before anything is changed.

import { accessSync, constants, statSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";

import { rootFault } from "../core/elevation.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { nearestExisting } from "../lib/files.ts";
import { formatBytes } from "../lib/text.ts";
import { type InstallInfo, type Layout, layoutOf } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { namesIn } from "./place.ts";
import { exists, type Installed, OWN, readInfo } from "./state.ts";
import type { Step } from "./steps.ts";
import { compareVersions } from "./versions.ts";

/** Logs, config and what the system itself wants to have left. */
const SPARE_BYTES = 64 * 1024 * 1024;

/** Root, a home that is none, a place that the service manager cannot name. */
export function checkEnvironment(machine: Machine): Step {
  return {
    title: "Check the environment",
    looks: true,
    async apply() {
      const { user, environment, layout, service } = machine;
      const refused = rootFault(user, environment);
      if (refused !== null) return refused;
      const home = statSync(user.home, { throwIfNoEntry: false });
      if (!isAbsolute(user.home) || home?.isDirectory() !== true) {
        const text = `Cannot use the home directory "${user.home}": there is no such directory`;
        return fault("file.failed", text, user.home);
      }
      const { config } = machine;
      if (config !== null && !exists(config)) {
        const text = `Cannot set up the service with ${config}: there is no such file`;
        return fault("config.unreadable", text, config);
      }
      const unusable = whyUnwritable(layout.root) ?? whyOccupied(layout);
      if (unusable !== null) return unusable;
      if (service === null) return null;
      const definition = service.definition(await machine.serviceSpec());
      return isFault(definition) ? definition : null;
    },
  };
}

/** Room for a new version beside those that are there, `bytes` each. */
export function checkSpace(machine: Machine, bytes: () => number): Step {
  return {
    title: "Check the disk space",
    looks: true,
    apply() {
      const { root } = machine.layout;
      const free = machine.freeBytes(nearestExisting(root));
      // Once as it comes, once where no hard link is possible.
      const needed = 2 * bytes() + SPARE_BYTES;
      if (free === null || free >= needed) return null;
      const text = `Cannot put mcpd into ${root}: ${formatBytes(free)} free, ${formatBytes(needed)} needed`;
      return fault("install.space", text, root);
    },
  };
}

/** Nothing newer, and nothing of a package manager, may be replaced. */
export function checkInstalled(
  installed: Installed,
  version: string,
  allowDowngrade: boolean,
): Step {
  return {
    title: "Check what is installed",
    looks: true,
    apply() {
      const { info } = installed;
      if (info === null) return null;
      const foreign = whyForeign(info);
      if (foreign !== null) return foreign;
      if (allowDowngrade || compareVersions(version, info.version) >= 0) return null;
      const text = `Cannot replace mcpd ${info.version} with ${version}: that is older`;
      return fault("install.newer", text, version);
    },
  };
}

/** The restart would end this command half-way. */
export function checkOutside(machine: Machine): Step {
  return {
    title: "Check that this runs outside the service",
    looks: true,
    apply: async () => ((await machine.insideService()) ? fault("install.inside") : null),
  };
}

/** There is one service of a user: a second copy would take it from the first. */
export function checkOther(machine: Machine): Step {
  return {
    title: "Check that no other copy has the service",
    looks: true,
    apply: async () => await whyTaken(machine.service, machine.layout.program),
  };
}

/** The fault of taking the service from another installed copy than that of `program`. */
export async function whyTaken(
  service: Machine["service"],
  program: string,
): Promise<Fault | null> {
  const other = await otherCopy(service, program);
  if (other === null) return null;
  const text = `Cannot set up the service for ${program}: it runs ${other}`;
  return fault("install.other", text, other);
}

/** The program of the installed copy in another folder that has the service; null when none has. */
export async function otherCopy(service: Machine["service"], own: string): Promise<string | null> {
  const program = (await service?.program()) ?? null;
  if (program === null || program === own || !exists(program)) return null;
  const programsDir = dirname(dirname(program));
  const info = readInfo(layoutOf({ programsDir, program }));
  return info !== null && info.service !== null ? program : null;
}

const UPGRADES: { readonly [owner: string]: string } = {
  brew: "'brew upgrade mcpd', or 'brew uninstall mcpd'",
  homebrew: "'brew upgrade mcpd', or 'brew uninstall mcpd'",
  npm: "'npm install --global mcpd', or 'npm uninstall --global mcpd'",
  scoop: "'scoop update mcpd', or 'scoop uninstall mcpd'",
  winget: "'winget upgrade mcpd', or 'winget uninstall mcpd'",
};

/** The fault of touching a copy that a package manager owns; null for one of ours. */
export function whyForeign({ owner }: InstallInfo): Fault | null {
  if (owner === OWN) return null;
  const text = `This copy of mcpd belongs to ${owner}: mcpd does not change it`;
  return fault("install.owned", text, UPGRADES[owner] ?? `${owner} to upgrade or remove it`);
}

function whyUnwritable(root: string): Fault | null {
  const directory = nearestExisting(root);
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (statSync(directory).isDirectory()) return null;
    const text = `Cannot put mcpd into ${root}: ${directory} is not a directory`;
    return fault("file.failed", text, directory);
  } catch {
    const text = `Cannot put mcpd into ${root}: ${directory} cannot be written to`;
    return fault("file.failed", text, directory);
  }
}

/** With --prefix, a folder of this name may be somebody's work. */
function whyOccupied(layout: Layout): Fault | null {
  const { program } = layout;
  if (readInfo(layout) !== null || namesIn(program).length === 0) return null;
  const text = `Cannot put mcpd at ${program}: it is a directory with other things in it`;
  return fault("file.failed", text, program);
}
