import { renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, win32 } from "node:path";

import type { Environment, Platform } from "./platform.ts";
import { systemDir } from "./windows-tools.ts";

const TRIES = 10;

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
  Bun.spawnSync([...removal(environment, moved)], {
    stdio: ["ignore", "ignore", "ignore"],
    windowsHide: true,
    // cmd.exe does not know the backslashes that quotes would get.
    windowsVerbatimArguments: true,
  });
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
 * Starts the helper, as a verbatim command line. Our children end with us, so it is the child of
 * one. It tries each second, for which cmd.exe needs ping: we may take a while to end, and a virus
 * scanner to look at what has moved.
 */
export function removal(environment: Environment, paths: readonly string[]): readonly string[] {
  const system = systemDir(environment);
  const shell = win32.join(system, "cmd.exe");
  const ping = `${win32.join(system, "PING.EXE")} -n 2 127.0.0.1 ^>nul`;
  const files = paths.map((path) => `"${path}"`).join(" ");
  // del is for files, rd for folders, and either may have been in use.
  const remove = `del /f /q ${files} ^& rd /s /q ${files}`;
  const tries = `for /l %n in (1,1,${TRIES}) do ${ping} ^& ${remove}`;
  const line = `"start "" /b ${shell} /d /c ${tries}"`;
  return [shell, "/d", "/s", "/c", line];
}
