import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { usage } from "./parse.ts";

/**
 * The project a client that starts a command works on: the directory it names, else the one it is
 * in. Desktop programs start their commands in the root directory, which is nobody's project: null.
 */
export function projectOf(named: string | undefined, subject: string): string | null {
  const directory = resolve(named ?? ".");
  if (named === undefined) return directory === dirname(directory) ? null : directory;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return directory;
  throw usage(`There is no directory ${directory}`, subject);
}
