import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { usage } from "./parse.ts";

/**
 * The project a client that starts a command works on: the directory it names, else the one it is
 * in. Desktop programs start their commands in the root directory, which is nobody's project: null.
 */
export function projectOf(named: string | undefined, subject: string): string | null {
  if (named === undefined) {
    const directory = workingDirectory();
    return directory === null || directory === dirname(directory) ? null : directory;
  }
  const directory = resolve(named);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return directory;
  throw usage(`There is no directory ${directory}`, subject);
}

/** The project of a command that asks the daemon, as a part of its params. */
export function ownProject(): { readonly project?: string } {
  const project = workingDirectory();
  return project === null ? {} : { project };
}

/** The directory we were started in; null when it has been removed since. */
function workingDirectory(): string | null {
  try {
    return process.cwd();
  } catch {
    return null;
  }
}
