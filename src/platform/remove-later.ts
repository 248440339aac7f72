import { renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { win32 } from "node:path";

import type { Environment, Platform } from "./platform.ts";

/**
 * Windows removes no program that runs, but lets it be renamed: out of its folder, so that this can
 * go, and a hidden helper removes it once we have ended. Elsewhere nothing is left to remove.
 */
export function removeLater(
  platform: Pick<Platform, "name">,
  environment: Environment,
  paths: readonly string[],
): void {
  if (platform.name !== "windows") return;
  const moved = paths.map((path) => {
    const aside = win32.join(tmpdir(), `mcpd-${crypto.randomUUID().slice(0, 8)}.old`);
    renameSync(path, aside);
    return aside;
  });
  Bun.spawn([...removal(environment, moved)], {
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
    windowsHide: true,
  }).unref();
}

/** The helper: waits two seconds, which cmd.exe cannot do without ping, and removes the files. */
export function removal(environment: Environment, paths: readonly string[]): readonly string[] {
  const system = win32.join(environment["SystemRoot"] ?? "C:\\Windows", "System32");
  const ping = `"${win32.join(system, "PING.EXE")}" -n 3 127.0.0.1 >nul`;
  const files = paths.map((path) => `"${path}"`).join(" ");
  return [win32.join(system, "cmd.exe"), "/d", "/s", "/c", `${ping} & del /f /q ${files}`];
}
