import { win32 } from "node:path";

import type { Environment } from "./platform.ts";

/** Where the system's own tools are. Never PATH: a program of that name nearby must not be run. */
export function systemDir(environment: Environment): string {
  return win32.join(environment["SystemRoot"] ?? "C:\\Windows", "System32");
}

/**
 * A command line of Windows' own PowerShell, which prints UTF-8 whatever the code page of the
 * console is: names of users, and so of their directories, are not ASCII everywhere.
 */
export function powershell(script: string, system: string): readonly string[] {
  const program = win32.join(system, "WindowsPowerShell", "v1.0", "powershell.exe");
  return [program, "-NoProfile", "-NonInteractive", "-Command", `${UTF_8} ${script}`];
}

/** Where there is no console, there is nothing to set, and UTF-8 or ASCII is what comes. */
const UTF_8 = "try { [Console]::OutputEncoding = [Text.Encoding]::UTF8 } catch { }";
