// install: putting mcpd on a machine, replacing it and taking it away, as lists of steps with undo.

import { basename, dirname, join } from "node:path";

import type { Paths } from "../platform/platform.ts";

/** Where everything of an installed copy is, under Paths.programsDir (MISSION A1). */
export type Layout = {
  readonly root: string;
  readonly binDir: string;
  /** The stable path: what services, PATH and clients name. A hard link or copy of a version. */
  readonly program: string;
  readonly versionsDir: string;
  /** The version that is installed, one line. */
  readonly versionFile: string;
  /** The receipt: InstallInfo as JSON. */
  readonly infoFile: string;
  /** Held during install, upgrade and uninstall: two never run at once. */
  readonly lockFile: string;
};

export function layoutOf(paths: Pick<Paths, "programsDir" | "program">): Layout {
  const root = paths.programsDir;
  return {
    root,
    binDir: dirname(paths.program),
    program: paths.program,
    versionsDir: join(root, "versions"),
    versionFile: join(root, "VERSION"),
    infoFile: join(root, "INSTALL_INFO"),
    lockFile: join(root, ".lock"),
  };
}

/** The executable of one version. */
export function programOf(layout: Layout, version: string): string {
  return join(layout.versionsDir, version, basename(layout.program));
}

/** INSTALL_INFO: who installed what, when, and what else was touched, so that it can be undone. */
export type InstallInfo = {
  readonly version: string;
  readonly commit: string;
  /** ISO 8601. */
  readonly installedAt: string;
  /** The version that was replaced and is kept; null for none. */
  readonly previous: string | null;
  /** "mcpd", or the package manager this copy belongs to: then that one replaces it. */
  readonly owner: string;
  /** Files whose PATH lines between our markers are ours. */
  readonly pathFiles: readonly string[];
  /** Links that we made, such as ~/.local/bin/mcpd. */
  readonly links: readonly string[];
  /** The config file the service was told to use; null for the one it finds by itself. */
  readonly config: string | null;
  /** The service manager it is registered with; null for none. */
  readonly service: string | null;
};
