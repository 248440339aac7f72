import { existsSync } from "node:fs";
import { resolve } from "node:path";

import type { Paths } from "../platform/platform.ts";

export type Discovery = {
  /** Absolute. With origin "defaults" there is no file yet: this is where it would be created. */
  readonly path: string;
  readonly origin: "flag" | "config-dir" | "environment" | "defaults";
};

type Question = {
  /** The value of --config. */
  readonly flag?: string | null | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paths: Pick<Paths, "configFile">;
  /** For tests; the file system by default. */
  readonly exists?: (path: string) => boolean;
  /** Where relative paths start; the working directory by default. */
  readonly cwd?: string;
};

/**
 * Which file is the config (MISSION A6): --config, then the file in the config directory if there
 * is one, then MCPD_CONFIG, then built-in defaults.
 */
export function discoverConfig(question: Question): Discovery {
  const { flag, env, paths, exists = existsSync, cwd = "" } = question;
  if (flag) return { path: resolve(cwd, flag), origin: "flag" };
  if (exists(paths.configFile)) return { path: paths.configFile, origin: "config-dir" };
  const named = env["MCPD_CONFIG"];
  if (named) return { path: resolve(cwd, named), origin: "environment" };
  return { path: paths.configFile, origin: "defaults" };
}
