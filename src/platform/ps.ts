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
  const children = Map.groupBy(table, (row) => row.parent);
  const root = table.find((row) => row.pid === pid);
  if (root === undefined) return null;
  let residentBytes = 0;
  let cpuMs = 0;
  const seen = new Set<number>();
  for (const open = [root]; open.length > 0;) {
    const row = open.pop();
    if (row === undefined || seen.has(row.pid)) continue;
    seen.add(row.pid);
    residentBytes += row.residentBytes;
    cpuMs += row.cpuMs;
    open.push(...(children.get(row.pid) ?? []));
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
