/** What Linux knows about processes: time on the CPU, private memory, children. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

import { proportionalBytes } from "../../src/platform/processes.ts";

/** The kernel's USER_HZ: fixed at 100 for what /proc shows. */
const TICK_MS = 10;
const KIBIBYTE = 1024;

export type PrivateMemory = {
  /** Anonymous memory: heap and stacks, without the binary's own pages. */
  readonly anonymousBytes: number;
  /** Private_Clean + Private_Dirty: with pages of the binary that nobody else maps now. */
  readonly privateBytes: number;
};

/** User and system time so far, all threads, in ms (steps of 10). Dead processes count 0. */
export function cpuMs(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
  });
}

/** Time that all cores together were busy so far, in ms: ours and everybody else's. */
export function machineBusyMs(): number {
  const [user, nice, system, , , interrupt, softInterrupt, steal] = read("/proc/stat")
    .replace(/\n[^]*/, "")
    .replace(/^cpu\s+/, "")
    .split(" ")
    .map(Number);
  const parts = [user, nice, system, interrupt, softInterrupt, steal];
  return parts.reduce<number>((total, ticks) => total + (ticks ?? 0) * TICK_MS, 0);
}

export function privateMemory(pids: readonly number[]): PrivateMemory {
  return {
    anonymousBytes: sum(pids, (pid) => kilobytes(read(`/proc/${pid}/status`), "RssAnon")),
    privateBytes: sum(pids, (pid) => {
      const rollup = read(`/proc/${pid}/smaps_rollup`);
      return kilobytes(rollup, "Private_Clean") + kilobytes(rollup, "Private_Dirty");
    }),
  };
}

/** Memory with what is shared divided among those that share it: what a group of them takes. */
export function groupBytes(pids: readonly number[]): number {
  return sum(pids, (pid) => proportionalBytes(pid) ?? 0);
}

/** The process and all below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    const stat = /^\d+$/.test(entry) ? read(`/proc/${entry}/stat`) : "";
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat !== "") parents.set(Number(entry), Number(fields[1]));
  }
  const tree = [root];
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  return tree;
}

/** The program a process runs, or "" when it is gone. */
export function executableOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
}

/** Command line with blanks between the words, or "" when the process is gone. */
export function commandLineOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * KIBIBYTE;
}

function sum(pids: readonly number[], valueOf: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + valueOf(pid), 0);
}
