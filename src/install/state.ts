import { lstatSync } from "node:fs";
import { join } from "node:path";

import { readIfExists } from "../lib/files.ts";
import { type InstallInfo, type Layout, programOf } from "./layout.ts";
import { namesIn, partialsIn, sameProgram } from "./place.ts";

/** An installed copy as the disk has it. */
export type Installed = {
  /** Null: nothing was installed to its end, or the receipt is not readable. */
  readonly info: InstallInfo | null;
  /** Versions whose executable is kept, in no order. */
  readonly versions: readonly string[];
  /** What interrupted runs have left. */
  readonly leftovers: readonly string[];
  /** The receipt's version is not what the stable path has: a run was cut off in the middle. */
  readonly torn: boolean;
};

export function readInstalled(layout: Layout): Installed {
  const info = readInfo(layout);
  const versions = namesIn(layout.versionsDir).filter(
    (name) => !name.startsWith(".") && exists(programOf(layout, name)),
  );
  return {
    info,
    versions,
    leftovers: partialsIn([layout.root, layout.binDir, layout.versionsDir]),
    torn: info !== null && info.owner === OWN && !agrees(layout, info),
  };
}

/** The folders of versions. Others there are somebody else's: --prefix may name any folder. */
export function ownFolders(layout: Layout): readonly string[] {
  return namesIn(layout.versionsDir)
    .filter((name) => name.endsWith(".partial") || exists(programOf(layout, name)))
    .map((name) => join(layout.versionsDir, name));
}

/** The owner in the receipt of a copy that mcpd put there itself. */
export const OWN = "mcpd";

export function readInfo(layout: Layout): InstallInfo | null {
  const text = readIfExists(layout.infoFile);
  return text === null ? null : parseInfo(text);
}

/** Null for anything but a receipt; what a later version has added is left out. */
export function parseInfo(text: string): InstallInfo | null {
  const raw = parsed(text);
  if (raw === null || typeof raw["version"] !== "string") return null;
  const word = (key: string, otherwise: string): string => {
    const value = raw[key];
    return typeof value === "string" ? value : otherwise;
  };
  const words = (key: string): readonly string[] => {
    const value = raw[key];
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  };
  return {
    version: raw["version"],
    commit: word("commit", ""),
    installedAt: word("installedAt", ""),
    previous: word("previous", "") || null,
    owner: word("owner", OWN),
    pathFiles: words("pathFiles"),
    links: words("links"),
    config: word("config", "") || null,
    service: word("service", "") || null,
  };
}

/** True when anything is there at all, a link to nowhere too. */
export function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function agrees(layout: Layout, { version }: InstallInfo): boolean {
  const stated = readIfExists(layout.versionFile)?.trim();
  return stated === version && sameProgram(programOf(layout, version), layout.program);
}

function parsed(text: string): { readonly [key: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as { readonly [key: string]: unknown })
      : null;
  } catch {
    return null;
  }
}
