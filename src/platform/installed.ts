// What installing asks of a system, and no running daemon ever does.

import { readdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";

import type { Environment, Platform } from "./platform.ts";
import { runTool } from "./run.ts";
import { powershell, systemDir } from "./windows-tools.ts";

/** Living processes whose executable is in a directory, but for the one that asks. */
export async function processesIn(
  platform: Pick<Platform, "name">,
  directory: string,
  environment: Environment,
): Promise<readonly number[]> {
  const rows =
    platform.name === "linux" ? linuxPrograms() : await toolPrograms(platform.name, environment);
  return rows
    .filter(({ pid, program }) => pid !== process.pid && isInside(program, directory, platform))
    .map(({ pid }) => pid);
}

/** On Windows, a program is told with the spelling that it was started by. */
export function isInside(
  program: string,
  directory: string,
  { name }: Pick<Platform, "name">,
): boolean {
  const isWindows = name === "windows";
  const spelled = (path: string): string => (isWindows ? path.toLowerCase() : path);
  const separator = isWindows ? "\\" : "/";
  const inside = directory.endsWith(separator) ? directory : `${directory}${separator}`;
  return spelled(program).startsWith(spelled(inside));
}

type ProgramRow = { readonly pid: number; readonly program: string };

function linuxPrograms(): readonly ProgramRow[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), program: executableOf(pid) }));
}

/** "" for a process of somebody else, and for one that has ended. */
function executableOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
}

async function toolPrograms(
  name: Platform["name"],
  environment: Environment,
): Promise<readonly ProgramRow[]> {
  const script = "Get-Process | Where-Object Path | ForEach-Object { '{0} {1}' -f $_.Id, $_.Path }";
  const argv =
    name === "darwin"
      ? ["/bin/ps", "-axo", "pid=,comm="]
      : powershell(script, systemDir(environment));
  return parsePrograms((await runTool(argv)) ?? "");
}

/** Reads lines of "pid path"; a path may hold spaces. */
export function parsePrograms(output: string): readonly ProgramRow[] {
  return output
    .split(/\r?\n/)
    .map((line) => /^\s*(\d+) +(.+)$/.exec(line.trimEnd()))
    .filter((row) => row !== null)
    .map(([, pid, program = ""]) => ({ pid: Number(pid), program }));
}

/**
 * True when this process would end with the service of this label: systemd ends its control group,
 * launchd names the job in the environment of what it starts.
 */
export function insideService(label: string, environment: Environment): boolean {
  if (environment["XPC_SERVICE_NAME"] === label) return true;
  try {
    return isInGroup(readFileSync("/proc/self/cgroup", "utf8"), label);
  } catch {
    return false;
  }
}

/** Whether a text of /proc/PID/cgroup is of a unit, or of a group below it. */
export function isInGroup(text: string, label: string): boolean {
  const unit = label.includes(".") ? label : `${label}.service`;
  return text.split("\n").some((line) => line.split("/").includes(unit));
}

/** What a user may still write to the disk of a directory, in bytes; null when it does not tell. */
export function freeBytes(directory: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return null;
  }
}
