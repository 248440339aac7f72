import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { TARGETS } from "./targets.ts";

const SCRIPTS = join(dirname(import.meta.dir), "scripts");

/** SHA-256 in lower-case hex of mcpd-<target>.tar.gz, by the name of the target. */
export type ArchiveSums = { readonly [target: string]: string };

/** The install scripts of a release: what stands behind `curl | sh` and `irm | iex`. */
export type InstallScripts = { readonly sh: string; readonly ps1: string };

/**
 * Fills version and hashes into scripts/install.sh and scripts/install.ps1. On a system whose
 * target has no sum, the script says that it cannot verify its archive, and downloads nothing.
 * Throws what is wrong with version or sums.
 */
export function installScripts(version: string, sums: ArchiveSums): InstallScripts {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    throw new Error(`Cannot make the install scripts: "${version}" is no version`);
  }
  for (const [name, sum] of Object.entries(sums)) {
    const known = TARGETS.some((target) => target.name === name);
    if (!known || !/^[0-9a-f]{64}$/.test(sum)) {
      throw new Error(`Cannot make the install scripts: "${sum}" is no SHA-256 of ${name}`);
    }
  }
  const values = new Map(TARGETS.map(({ name }) => [`SHA256_${name}`, sums[name] ?? ""]));
  values.set("VERSION", version);
  return { sh: fill("install.sh", values), ps1: fill("install.ps1", values) };
}

function fill(file: string, values: ReadonlyMap<string, string>): string {
  const template = readFileSync(join(SCRIPTS, file), "utf8");
  return template.replaceAll(/@(VERSION|SHA256_[\w-]+)@/g, (placeholder, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`scripts/${file}: ${placeholder} is not known`);
    return value;
  });
}
