import { renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, win32 } from "node:path";

import type { Environment, Platform } from "./platform.ts";
import { systemDir } from "./windows-tools.ts";

/**
 * Windows removes no program that runs, but lets it be renamed: out of its folder, so that this can
 * go, and a hidden helper removes it once we have ended. Elsewhere nothing is left to remove.
 * `sameDisk` is a folder that stays, for when the temporary one is on another disk.
 */
export function removeLater(
  platform: Pick<Platform, "name">,
  environment: Environment,
  paths: readonly string[],
  sameDisk: string,
): void {
  if (platform.name !== "windows") return;
  const moved = paths.map((path) => moveAside(path, [tmpdir(), sameDisk]));
  Bun.spawn([...removal(environment, moved)], {
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
    windowsHide: true,
    // cmd.exe does not know the backslashes that quotes would get.
    windowsVerbatimArguments: true,
  }).unref();
}

/** Into the first folder that takes it, which one on another disk does not; where it is then. */
export function moveAside(path: string, folders: readonly string[]): string {
  const [folder = "", ...others] = folders;
  const aside = join(folder, `mcpd-${crypto.randomUUID().slice(0, 8)}.old`);
  try {
    renameSync(path, aside);
    return aside;
  } catch (error) {
    if (others.length === 0) throw error;
    return moveAside(path, others);
  }
}

/**
 * The helper, as a verbatim command line: waits two seconds, which cmd.exe cannot do without ping,
 * and removes the files.
 */
export function removal(environment: Environment, paths: readonly string[]): readonly string[] {
  const system = systemDir(environment);
  const ping = `"${win32.join(system, "PING.EXE")}" -n 3 127.0.0.1 >nul`;
  const files = paths.map((path) => `"${path}"`).join(" ");
  const line = `"${ping} & del /f /q ${files}"`;
  return [win32.join(system, "cmd.exe"), "/d", "/s", "/c", line];
}
