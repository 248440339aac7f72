import { family } from "../lib/process-tree.ts";
import type { Usage } from "./platform.ts";

/** One process as the system's table has it. */
export type ProcessRow = {
  readonly pid: number;
  readonly parent: number;
  /** Process group; 0 where the system has none. */
  readonly group: number;
  readonly residentBytes: number;
  readonly cpuMs: number;
};

/** The cost of a process and all its descendants; null when it is not in the table. */
export function treeUsage(table: readonly ProcessRow[], pid: number): Usage | null {
  const root = table.find((row) => row.pid === pid);
  if (root === undefined) return null;
  let residentBytes = 0;
  let cpuMs = 0;
  for (const row of family(table, [root])) {
    residentBytes += row.residentBytes;
    cpuMs += row.cpuMs;
  }
  return { residentBytes, cpuMs };
}

/** Reads `ps -axo pid=,ppid=,pgid=,rss=,time=`: KiB, and CPU as [[dd-]hh:]mm:ss[.cc]. */
export function parsePs(output: string): readonly ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const line of output.split("\n")) {
    const [pid, parent, group, rss, time] = line.trim().split(/\s+/);
    if (time === undefined) continue;
    rows.push({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      residentBytes: Number(rss) * 1024,
      cpuMs: psTimeMs(time),
    });
  }
  return rows;
}

function psTimeMs(time: string): number {
  const [clock = "", days = "0"] = time.split("-").reverse();
  const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1000);
}
