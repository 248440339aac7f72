/** The results of a run as Markdown. */
import { cpus, loadavg, release } from "node:os";

import type { BridgesResult } from "./bridges.ts";
import type { CacheResult } from "./cache.ts";
import { CELLS, figuresOf, type Measured, ratiosOf } from "./calls.ts";
import { contestProblems, contestTable, householdTable } from "./contest-report.ts";
import type { ContestRow } from "./contest.ts";
import type { MemoryResult } from "./memory.ts";
import type { PrivateMemory } from "./process.ts";
import type { Recall } from "./recall.ts";
import type { Spread } from "./statistics.ts";
import type { Timing } from "./timings.ts";
import type { TokensResult } from "./tokens.ts";
import {
  digits,
  figures,
  kilobytesPerSession,
  type Measurements,
  savedOf,
  type Verdict,
  verdictsOf,
} from "./verdict.ts";

export type Results = Measurements & {
  readonly machine: Machine;
  readonly peers: readonly ContestRow[];
};

export type Machine = {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly bun: string;
  readonly pinned: boolean;
  readonly loadAverage: number;
  readonly at: string;
};

const MEBIBYTE = 1_048_576;
/** How many misses of a set of queries are shown. */
const MISSES = 12;

export function describeMachine(pinned: boolean): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model ?? "unknown",
    cores: all.length,
    kernel: release(),
    bun: Bun.version,
    pinned,
    loadAverage: loadavg()[0] ?? 0,
    at: new Date().toISOString(),
  };
}

/** The whole report. Sections that were not run are left out. */
export function markdown(results: Results): string {
  const { machine } = results;
  const cores = machine.pinned
    ? "proxy (or direct servers) on core 0; load and shared upstream on core 1"
    : "not pinned: taskset or a second core is missing";
  const sections = [
    `# mcpd bench, ${machine.at}`,
    `${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, Bun ${machine.bun}, ` +
      `load average at the start ${digits(machine.loadAverage)}. Calls: ${cores}. ` +
      "Medians of the rounds after a first that does not count, in brackets the least and the " +
      "most. CPU is the proxy's per call (directly: the server's). Load and others are shares of " +
      "one core in the worst round: what the generator used, and programs outside of the bench.",
    section("Calls", callsTable(results.calls)),
    section(
      "One client on the other ways in (CPU of the daemon for the socket, else of the client's process)",
      bridgesTable(results.bridges),
    ),
    section("Whole processes, ms", timingTable([...results.processes, ...results.starts])),
    section("A call from the command line, ms", timingTable(results.commands)),
    section(
      "Private memory (RssAnon; in brackets Private_Clean + Private_Dirty)",
      memoryTable(results.memory),
    ),
    section(
      "Beside the peers (one shared stdio server; CPU is the proxy's)",
      contestTable(results.peers),
    ),
    section(
      "Five clients of five real servers (directly each client has its own)",
      householdTable(results.household),
    ),
    section("Tokens of tools/list (o200k_base)", tokensTable(results.tokens)),
    section("Tools found by words", recallTable(results.recall)),
    missesOf(results.recall),
    section("Repeated reads", cacheTable(results.cache)),
    section("Targets", verdictTable(verdictsOf(results))),
    ...problemsOf(results),
    ...contestProblems(results.peers, results.household),
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

function callsTable(calls: readonly Measured[]): string[][] {
  const head = [
    "",
    "way",
    "calls/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU us",
    "CPU / relay",
    "load",
    "others",
  ];
  const rows = CELLS.flatMap((cell) =>
    (["direct", "relay", "mcpd"] as const).flatMap((way) => {
      const found = figures(calls, cell.name, way);
      if (found === null) return [];
      const ratio = way === "mcpd" ? ratiosOf(calls, cell.name, "proxyCpuMicros") : null;
      return [
        [
          cell.name,
          way,
          spread(found.callsPerSecond),
          spread(found.p50Ms),
          digits(found.p95Ms.median),
          digits(found.p99Ms.median),
          spread(found.cpuMicros),
          ratio === null ? "" : spread(ratio),
          percent(found.generatorBusy),
          percent(found.othersBusy),
        ],
      ];
    }),
  );
  return rows.length === 0 ? [] : [head, ...rows];
}

function bridgesTable(bridges: BridgesResult | null): string[][] {
  if (bridges === null) return [];
  const rows = bridges.measured.map(({ cell, way, rounds }) => {
    const { p50Ms, p99Ms, cpuMicros } = figuresOf(rounds);
    const quiet = bridges.memory.find((found) => found.way === way);
    const memory = quiet === undefined || cell !== "small" ? "" : megabytes(quiet.memory);
    return [cell, way, spread(p50Ms), digits(p99Ms.median), spread(cpuMicros), memory];
  });
  return [["", "way", "p50 ms", "p99 ms", "CPU us", "private, quiet"], ...rows];
}

function timingTable(timings: readonly Timing[]): string[][] {
  const rows = timings.map(({ what, runs, minMs, medianMs, p90Ms }) => [
    what,
    String(runs),
    digits(minMs),
    digits(medianMs),
    digits(p90Ms),
  ]);
  return rows.length === 0 ? [] : [["", "runs", "min", "median", "p90"], ...rows];
}

function memoryTable(memory: readonly MemoryResult[]): string[][] {
  const rows = memory.flatMap((result) => {
    const name = `${result.name} (processes: ${result.processes})`;
    return [
      [name, "0", megabytes(result.idle), ""],
      ...result.steps.map((step) => [
        name,
        String(step.sessions),
        megabytes(step.memory),
        `${digits(kilobytesPerSession(result, step))} KB`,
      ]),
    ];
  });
  return rows.length === 0 ? [] : [["", "sessions", "private", "per session"], ...rows];
}

function tokensTable(tokens: readonly TokensResult[]): string[][] {
  const saved = (list: number, less: number): string =>
    `${less.toLocaleString("en")} (${digits(savedOf(list, less))} % saved)`;
  const rows = tokens.map(({ what, tools, list, short, search, perTool }) => [
    what,
    String(tools),
    list.toLocaleString("en"),
    saved(list, short),
    saved(list, search),
    String(perTool),
  ]);
  const head = ["", "tools", "all", "descriptions of 60", "search", "then, to find one"];
  return rows.length === 0 ? [] : [head, ...rows];
}

function recallTable(recall: readonly Recall[]): string[][] {
  const rows = recall.map(({ set, queries, at1, at5, at10 }) => [
    set,
    String(queries),
    percent(at1),
    percent(at5),
    percent(at10),
  ]);
  return rows.length === 0 ? [] : [["queries", "", "first", "first 5", "first 10"], ...rows];
}

function missesOf(recall: readonly Recall[]): string {
  const lines = recall.flatMap(({ set, misses }) =>
    misses.slice(0, MISSES).map(({ query, rank, best }) => {
      const where = rank === null ? "not found" : `at ${rank}`;
      return `- ${set}: "${query}": ${where}; first is ${best}`;
    }),
  );
  return lines.length === 0 ? "" : ["The worst misses:", "", ...lines].join("\n");
}

function cacheTable(cache: CacheResult | null): string[][] {
  if (cache === null) return [];
  const { clients, calls, hits, misses } = cache;
  return [
    ["clients", "calls", "reads kept", "reads sent", "kept p50, p99 ms", "sent p50, p99 ms"],
    [
      String(clients),
      String(calls),
      String(hits),
      String(misses),
      `${digits(cache.cachedP50Ms)}, ${digits(cache.cachedP99Ms)}`,
      `${digits(cache.uncachedP50Ms)}, ${digits(cache.uncachedP99Ms)}`,
    ],
  ];
}

function megabytes({ anonymousBytes, privateBytes }: PrivateMemory): string {
  return `${digits(anonymousBytes / MEBIBYTE)} MB (${digits(privateBytes / MEBIBYTE)})`;
}

function verdictTable(verdicts: readonly Verdict[]): string[][] {
  const rows = verdicts.map(({ what, measured, target, ok }) => [
    what,
    measured,
    target,
    ok ? "ok" : "**short**",
  ]);
  return rows.length === 0 ? [] : [["", "measured", "target", "verdict"], ...rows];
}

function problemsOf(results: Results): string[] {
  const measured = [...results.calls, ...(results.bridges?.measured ?? [])];
  const wrong = measured.map(({ rounds }) => figuresOf(rounds).firstError);
  const problems = [...wrong, results.mixed?.firstWrong ?? null].filter((text) => text !== null);
  return problems.map((text) => `First problem: \`${text}\``);
}

function section(title: string, [head, ...rows]: readonly string[][]): string {
  if (head === undefined) return "";
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [`## ${title}`, "", line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function spread({ min, median, max }: Spread): string {
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}-${digits(max)})`;
}
