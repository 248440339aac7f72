import { readdirSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";

import type { Environment, Platform } from "./platform.ts";
import { runTool } from "./run.ts";
import { powershell, systemDir } from "./windows-tools.ts";

/** A process of ours with what it was started with. */
export type RunningProcess = {
  readonly pid: number;
  readonly parent: number;
  readonly residentBytes: number;
  /** Its command line, words apart by blanks. */
  readonly command: string;
};

/** What this user runs right now; null when the system does not say. */
export async function ownProcesses(
  name: Platform["name"],
  environment: Environment,
): Promise<readonly RunningProcess[] | null> {
  switch (name) {
    case "linux":
      return fromProc();
    case "darwin":
      return parseCommands(await runTool(["/bin/ps", "-xwwo", "pid=,ppid=,rss=,args="]), 1024);
    case "windows": {
      const script =
        "Get-CimInstance Win32_Process | ForEach-Object { '{0} {1} {2} {3}' -f $_.ProcessId, " +
        "$_.ParentProcessId, $_.WorkingSetSize, $_.CommandLine }";
      return parseCommands(await runTool(powershell(script, systemDir(environment))), 1);
    }
  }
}

/** Reads lines of "pid parent size command"; `unit` is what a size counts, in bytes. */
export function parseCommands(
  output: string | null,
  unit: number,
): readonly RunningProcess[] | null {
  if (output === null) return null;
  return output.split(/\r?\n/).flatMap((line) => {
    const [, pid, parent, size, command = ""] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.+)$/.exec(line) ?? [];
    if (pid === undefined) return [];
    const residentBytes = Number(size) * unit;
    return [{ pid: Number(pid), parent: Number(parent), residentBytes, command: command.trim() }];
  });
}

/**
 * The memory of a process (PSS), with what several map divided among them: a sum over processes
 * counts it once. Null where the system does not say, which is everywhere but on Linux.
 */
export function proportionalBytes(pid: number): number | null {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const [, kibibytes] = /^Pss:\s*(\d+)/m.exec(rollup) ?? [];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
}

function fromProc(): readonly RunningProcess[] {
  const { uid } = userInfo();
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      if (statSync(`/proc/${name}`).uid !== uid) return [];
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      const parent = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0);
      const residentBytes = Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
      return [{ pid: Number(name), parent, residentBytes, command: words.join(" ").trim() }];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}
