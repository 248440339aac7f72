/** Every figure that has a target, beside it. */
import { BRIDGE_CELLS, type BridgesResult, type BridgeWay } from "./bridges.ts";
import type { CacheResult } from "./cache.ts";
import { figuresOf, type Measured, ratiosOf, type Way } from "./calls.ts";
import type { HouseholdRow } from "./household.ts";
import type { MemoryResult } from "./memory.ts";
import type { MixedResult } from "./mixed.ts";
import type { Recall } from "./recall.ts";
import { START_REMEMBERED, type Timing } from "./timings.ts";
import type { TokensResult } from "./tokens.ts";

export type Measurements = {
  readonly calls: readonly Measured[];
  readonly bridges: BridgesResult | null;
  readonly processes: readonly Timing[];
  readonly starts: readonly Timing[];
  readonly commands: readonly Timing[];
  readonly memory: readonly MemoryResult[];
  readonly mixed: MixedResult | null;
  readonly household: readonly HouseholdRow[];
  readonly tokens: readonly TokensResult[];
  readonly recall: readonly Recall[];
  readonly cache: CacheResult | null;
};

/** One target: what was measured against what was to be reached. */
export type Verdict = {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly ok: boolean;
};

const MEBIBYTE = 1_048_576;
const KIBIBYTE = 1024;

export function verdictsOf(results: Measurements): Verdict[] {
  return [
    ...callVerdicts(results.calls),
    ...bridgeVerdicts(results.bridges),
    ...timingVerdicts([...results.processes, ...results.starts]),
    ...memoryVerdicts(results.memory),
    ...mixedVerdicts(results.mixed),
    ...householdVerdicts(results.household),
    ...tokenVerdicts(results.tokens),
    ...cacheVerdicts(results.cache),
  ];
}

function callVerdicts(calls: readonly Measured[]): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const cell of ["10 clients", "100 clients"]) {
    const ratio = ratiosOf(calls, cell, "proxyCpuMicros");
    if (ratio) verdicts.push(atMost(`CPU per call, ${cell}, mcpd / relay`, ratio.median, 1.5, "x"));
  }
  const rate = figures(calls, "32 clients", "mcpd")?.callsPerSecond.median;
  if (rate !== undefined) verdicts.push(atLeast("calls/s, 32 clients", rate, 20_000, ""));
  for (const cell of ["10 clients, 64 KiB", "10 clients, 1 MiB"]) {
    const ratio = ratiosOf(calls, cell, "callsPerSecond");
    if (ratio) verdicts.push(atLeast(`calls/s, ${cell}, mcpd / relay`, ratio.median, 0.7, "x"));
  }
  const direct = figures(calls, "1 client", "direct")?.p50Ms.median ?? Number.NaN;
  const shared = figures(calls, "1 client", "mcpd")?.p50Ms.median;
  if (shared !== undefined) {
    verdicts.push(atMost("added p50, 1 client over HTTP", shared - direct, 0.1, " ms"));
  }
  const errors = calls.reduce((total, { rounds }) => total + figuresOf(rounds).errors, 0);
  if (calls.length > 0) verdicts.push(atMost("wrong or failed calls", errors, 0, ""));
  return verdicts;
}

function bridgeVerdicts(bridges: BridgesResult | null): Verdict[] {
  if (bridges === null) return [];
  const p50Ms = (cell: string, way: BridgeWay): number => {
    const found = bridges.measured.find((entry) => entry.cell === cell && entry.way === way);
    return found === undefined ? Number.NaN : figuresOf(found.rounds).p50Ms.median;
  };
  const added = (way: BridgeWay): number => p50Ms("small", way) - p50Ms("small", "direct");
  const ratios = BRIDGE_CELLS.map(({ name }) => {
    const ratio = p50Ms(name, "mcpd bridge") / p50Ms(name, "bare bridge");
    return atMost(`p50, 1 client, ${name}, mcpd bridge / bare bridge`, ratio, 1.3, "x");
  });
  const own = bridges.memory.find(({ way }) => way === "mcpd bridge")?.memory.anonymousBytes;
  return [
    atMost("added p50, 1 client over the socket", added("socket"), 0.05, " ms"),
    atMost("added p50, 1 client over the bridge", added("mcpd bridge"), 0.05, " ms"),
    ...ratios,
    atMost("private memory of a bridge", (own ?? Number.NaN) / MEBIBYTE, 8, " MB"),
  ];
}

function timingVerdicts(timings: readonly Timing[]): Verdict[] {
  const targetsMs: Record<string, number> = {
    "mcpd --version": 10,
    "mcpd status": 10,
    "mcpd call": 10,
    "mcpd: start to tools/list": 30,
    [START_REMEMBERED]: 20,
  };
  return timings.flatMap(({ what, medianMs }) => {
    const targetMs = targetsMs[what];
    return targetMs === undefined ? [] : [atMost(`${what}, median`, medianMs, targetMs, " ms")];
  });
}

function memoryVerdicts(memory: readonly MemoryResult[]): Verdict[] {
  const mcpd = memory.find(({ name }) => name === "mcpd");
  if (mcpd === undefined) return [];
  const idle = mcpd.idle.anonymousBytes / MEBIBYTE;
  const last = mcpd.steps.at(-1);
  const verdicts = [
    atMost("private memory, idle", idle, 25, " MB"),
    ...serviceVerdicts(memory.find(({ name }) => name === "mcpd bootstrap")),
  ];
  if (last === undefined) return verdicts;
  const each = kilobytesPerSession(mcpd, last);
  const name = `private memory per idle session (${last.sessions})`;
  return [...verdicts, atMost(name, each, 12, " KB")];
}

function serviceVerdicts(service: MemoryResult | undefined): Verdict[] {
  if (service === undefined) return [];
  const { anonymousBytes } = service.idle;
  return [atMost("private memory, bootstrap and server", anonymousBytes / MEBIBYTE, 25, " MB")];
}

/** What each session has added to the idle server. */
export function kilobytesPerSession(
  { idle }: MemoryResult,
  { sessions, memory }: MemoryResult["steps"][number],
): number {
  return (memory.anonymousBytes - idle.anonymousBytes) / sessions / KIBIBYTE;
}

function mixedVerdicts(mixed: MixedResult | null): Verdict[] {
  if (mixed === null) return [];
  const { calls, clients } = mixed;
  return [
    atMost(`wrong answers in ${calls} mixed calls of ${clients} clients`, mixed.wrong, 0, ""),
    atMost("processes of server-everything", mixed.upstreamProcesses, 1, ""),
  ];
}

function householdVerdicts(rows: readonly HouseholdRow[]): Verdict[] {
  const bytesOf = (wanted: string): number | undefined => {
    const row = rows.find(({ name, problem }) => name === wanted && problem === null);
    return row && row.serverBytes + row.proxyBytes;
  };
  const [mcpd, relay] = [bytesOf("mcpd"), bytesOf("relay")];
  if (mcpd === undefined || relay === undefined) return [];
  return [atMost("PSS of a household, mcpd / relay", mcpd / relay, 1.05, "x")];
}

function tokenVerdicts(tokens: readonly TokensResult[]): Verdict[] {
  return tokens.map(({ what, list, search }) =>
    atLeast(`tokens saved by mode "search", ${what}`, savedOf(list, search), 50, " %"),
  );
}

/** Share of the tokens of the whole list that is not spent, in percent. */
export function savedOf(list: number, tokens: number): number {
  return (1 - tokens / list) * 100;
}

function cacheVerdicts(cache: CacheResult | null): Verdict[] {
  if (cache === null) return [];
  const { hits, misses, cachedP99Ms, uncachedP99Ms } = cache;
  return [
    atLeast("repeated reads answered with what is kept", (hits / (hits + misses)) * 100, 80, " %"),
    atMost("answer that is kept, p99", cachedP99Ms, 100, " ms"),
    atMost("answer that is not kept, p99", uncachedP99Ms, 500, " ms"),
  ];
}

function atMost(what: string, value: number, limit: number, unit: string): Verdict {
  const target = `<= ${limit.toLocaleString("en")}${unit}`;
  return { what, measured: `${digits(value)}${unit}`, target, ok: value <= limit };
}

function atLeast(what: string, value: number, limit: number, unit: string): Verdict {
  const target = `>= ${limit.toLocaleString("en")}${unit}`;
  return { what, measured: `${digits(value)}${unit}`, target, ok: value >= limit };
}

/** One cell one way over its rounds, or null when it was not measured. */
export function figures(
  calls: readonly Measured[],
  cell: string,
  way: Way,
): ReturnType<typeof figuresOf> | null {
  const found = calls.find((entry) => entry.cell.name === cell && entry.way === way);
  return found === undefined || found.rounds.length === 0 ? null : figuresOf(found.rounds);
}

/** Three digits that count, and no more. */
export function digits(value: number): string {
  const rounded = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString("en", { maximumFractionDigits: 4 });
}
