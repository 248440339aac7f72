/** tools/call through each way to the same upstream, in rounds that take turns. */
import { join } from "node:path";

import type { Lab } from "./lab.ts";
import type { Load, LoadResult, Target } from "./load.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { echoCommand, startSubject, type Subject, writeConfig } from "./subject.ts";

export type Way = "direct" | "relay" | "mcpd";

export type Cell = { readonly name: string; readonly clients: number; readonly textLength: number };

export const CELLS: readonly Cell[] = [
  { name: "1 client", clients: 1, textLength: 100 },
  { name: "10 clients", clients: 10, textLength: 100 },
  { name: "32 clients", clients: 32, textLength: 100 },
  { name: "100 clients", clients: 100, textLength: 100 },
  { name: "10 clients, 64 KiB", clients: 10, textLength: 64 * 1024 },
  { name: "10 clients, 1 MiB", clients: 10, textLength: 1024 * 1024 },
];

/** Each direct client has a process of its own: more of them measure the machine, not the way. */
const DIRECT_CLIENTS_MAX = 32;

/** The round before the first: some thousand calls, also where others are busy. */
const HEAT_MS = 1_500;

/** One cell one way: a result per round. */
export type Measured = { readonly cell: Cell; readonly way: Way; readonly rounds: LoadResult[] };

export type CallsOptions = {
  readonly rounds: number;
  readonly durationMs: number;
  /** All, unless named here. */
  readonly cells?: readonly string[];
  /** Also without a proxy (true). */
  readonly direct?: boolean;
};

/**
 * Starts what is shared once, then measures every cell every way, `rounds` times, after a round
 * that does not count: once a path is hot, the runtime compiles it to its last tier. For mcpd, with
 * more code than the relay, that is half a second of work beside its calls, on the one core it has.
 */
export async function benchCalls(lab: Lab, options: CallsOptions): Promise<Measured[]> {
  writeConfig(lab, { echo: echoCommand(lab) });
  const subjects: Subject[] = [];
  try {
    subjects.push(await startSubject(lab, "relay"));
    if (lab.mcpd !== null) subjects.push(await startSubject(lab, "mcpd"));
    const shared: readonly Way[] = lab.mcpd === null ? ["relay"] : ["relay", "mcpd"];
    const cells = CELLS.filter(({ name }) => options.cells?.includes(name) ?? true);
    const measured = cells.flatMap((cell) => {
      const direct = options.direct !== false && cell.clients <= DIRECT_CLIENTS_MAX;
      const ways = direct ? ["direct" as const, ...shared] : shared;
      return ways.map((way): Measured => ({ cell, way, rounds: [] }));
    });
    for (let round = 0; round <= options.rounds; round++) {
      for (const { cell, way, rounds } of measured) {
        const subject = subjects.find(({ name }) => name === way);
        if (round === 0 && subject === undefined) continue;
        const durationMs = round === 0 ? HEAT_MS : options.durationMs;
        const result = await generate(lab, loadOf(lab, cell, subject, durationMs));
        console.error(
          `round ${round}: ${cell.name}, ${way}: ${Math.round(result.callsPerSecond)}/s`,
        );
        if (round > 0) rounds.push(result);
      }
    }
    return measured;
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

function loadOf(lab: Lab, cell: Cell, subject: Subject | undefined, durationMs: number): Load {
  const target: Target =
    subject === undefined
      ? { kind: "stdio", command: [...lab.proxyCore, lab.programs.upstream] }
      : { kind: "http", url: subject.url, headers: subject.headers };
  return {
    target,
    clients: cell.clients,
    textLength: cell.textLength,
    warmupMs: durationMs / 3,
    durationMs,
    callsMax: 200_000,
    watch: { proxy: subject?.proxyPids() ?? [], upstream: subject?.upstreamPids() ?? [] },
  };
}

/** For opening its sessions and a call that is never answered; a window is far shorter. */
const LOAD_MS = 60_000;

/** Runs the generator in a process of its own, on the core of the load. */
export async function generate(lab: Lab, load: Load): Promise<LoadResult> {
  const script = join(import.meta.dir, "load.ts");
  const command = [...lab.loadCore, process.execPath, script, JSON.stringify(load)];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit", timeout: LOAD_MS });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) {
    const why = child.signalCode === null ? "failed" : `came to no end in ${LOAD_MS} ms`;
    throw new Error(`Cannot bench: the load generator ${why}`);
  }
  return JSON.parse(text);
}

export type Figures = {
  readonly callsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p95Ms: Spread;
  readonly p99Ms: Spread;
  readonly cpuMicros: Spread;
  readonly generatorBusy: number;
  readonly othersBusy: number;
  readonly errors: number;
  readonly firstError: string | null;
};

export function figuresOf(rounds: readonly LoadResult[]): Figures {
  const spread = (key: "callsPerSecond" | "p50Ms" | "p95Ms" | "p99Ms" | "proxyCpuMicros"): Spread =>
    spreadOf(rounds.map((round) => round[key]));
  return {
    callsPerSecond: spread("callsPerSecond"),
    p50Ms: spread("p50Ms"),
    p95Ms: spread("p95Ms"),
    p99Ms: spread("p99Ms"),
    cpuMicros: spread("proxyCpuMicros"),
    generatorBusy: Math.max(...rounds.map((round) => round.generatorBusy)),
    othersBusy: Math.max(...rounds.map((round) => round.othersBusy)),
    errors: rounds.reduce((total, round) => total + round.errors, 0),
    firstError: rounds.find((round) => round.firstError !== null)?.firstError ?? null,
  };
}

type RatioKey = "callsPerSecond" | "proxyCpuMicros" | "p50Ms";

/** Of each pair of rounds that stood side by side, mcpd's value over the relay's. */
export function pairsOf(
  measured: readonly Measured[],
  cell: string,
  key: RatioKey,
): readonly number[] {
  const roundsOf = (way: Way): readonly LoadResult[] =>
    measured.find((entry) => entry.cell.name === cell && entry.way === way)?.rounds ?? [];
  const relay = roundsOf("relay");
  return roundsOf("mcpd").map((round, at) => round[key] / (relay[at]?.[key] ?? Number.NaN));
}

/** The same as a spread; null when there are no such rounds. */
export function ratiosOf(
  measured: readonly Measured[],
  cell: string,
  key: RatioKey,
): Spread | null {
  const ratios = pairsOf(measured, cell, key);
  return ratios.length === 0 ? null : spreadOf(ratios);
}
