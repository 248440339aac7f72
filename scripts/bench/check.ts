/**
 * What must not get worse, as ratios between mcpd and the bare relay of the same run: a machine
 * that is slow, or busy, is slow for both. Of the rounds, the second best counts: noise spoils some
 * of them, a regression all.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { benchCalls, type Measured, pairsOf } from "./calls.ts";
import type { Lab } from "./lab.ts";
import { benchMemory } from "./memory.ts";
import { quantile } from "./statistics.ts";
import { benchProcesses, benchStarts, type Timing } from "./timings.ts";
import { digits } from "./verdict.ts";

const CPU_CELLS = ["10 clients", "100 clients"];
const LARGE_CELL = "10 clients, 64 KiB";
const ROUNDS = 6;
const DURATION_MS = 400;
const COMMANDS = 20;
const STARTS = 8;

/** A row of ratios.json: what it came to when it was written, and what is beyond it. */
export type Limit = {
  readonly what: string;
  readonly usual: number;
  readonly most?: number;
  readonly least?: number;
};

export type Checked = Limit & {
  /** Absent when it was not measured, which is no pass. */
  readonly measured: number | undefined;
  readonly ok: boolean;
};

export function readLimits(): readonly Limit[] {
  return JSON.parse(readFileSync(join(import.meta.dir, "ratios.json"), "utf8"));
}

/** Measures the ratios; takes about a minute. */
export async function measureRatios(lab: Lab): Promise<ReadonlyMap<string, number>> {
  const calls = await benchCalls(lab, {
    rounds: ROUNDS,
    durationMs: DURATION_MS,
    cells: [...CPU_CELLS, LARGE_CELL],
    direct: false,
  });
  const commands = await benchProcesses(lab, COMMANDS);
  const starts = await benchStarts(lab, STARTS);
  const memory = await benchMemory(lab, []);
  const idle = (name: string): number =>
    memory.find((found) => found.name === name)?.idle.anonymousBytes ?? Number.NaN;
  return new Map([
    ...callRatios(calls),
    [
      "start to tools/list",
      least(starts, "mcpd: start to tools/list", "relay: start to tools/list"),
    ],
    ["a call from the command line", least(commands, "mcpd call", "bare call to the relay")],
    ["private memory, idle", idle("mcpd") / idle("relay")],
  ]);
}

/** Of each cell, the second best of the rounds. */
export function callRatios(calls: readonly Measured[]): readonly (readonly [string, number])[] {
  const cpu = CPU_CELLS.map((cell) => {
    const ratios = pairsOf(calls, cell, "proxyCpuMicros");
    return [`CPU per call, ${cell}`, quantile(ratios, 2 / ROUNDS)] as const;
  });
  const rates = pairsOf(calls, LARGE_CELL, "callsPerSecond");
  return [...cpu, [`calls/s, ${LARGE_CELL}`, quantile(rates, (ROUNDS - 1) / ROUNDS)]];
}

/** The fastest of each: nothing makes a process faster than it is. */
function least(timings: readonly Timing[], what: string, floor: string): number {
  const of = (name: string): number =>
    timings.find((timing) => timing.what === name)?.minMs ?? Number.NaN;
  return of(what) / of(floor);
}

export function check(
  limits: readonly Limit[],
  ratios: ReadonlyMap<string, number>,
): readonly Checked[] {
  return limits.map((limit) => {
    const measured = ratios.get(limit.what);
    const { most = Number.POSITIVE_INFINITY, least: fewest = 0 } = limit;
    // NaN, which nothing gave, is in no range.
    const ok = measured !== undefined && measured <= most && measured >= fewest;
    return { ...limit, measured, ok };
  });
}

export function checkLine({ what, usual, most, least: fewest, measured, ok }: Checked): string {
  const limit = most === undefined ? `at least ${digits(fewest ?? 0)}` : `at most ${digits(most)}`;
  const found = measured === undefined ? "not measured" : digits(measured);
  return `${ok ? "ok  " : "FAIL"}  ${what}, mcpd / relay: ${found} (usually ${digits(usual)}, ${limit})`;
}
