/**
 * Measures mcpd beside the bare relay and beside no proxy at all, and says which of the targets it
 * reaches. Linux only: it reads /proc. Everything lives in a temporary home and ends with the run.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { benchBridges } from "./bench/bridges.ts";
import { benchCache } from "./bench/cache.ts";
import { benchCalls } from "./bench/calls.ts";
import { check, checkLine, measureRatios, readLimits } from "./bench/check.ts";
import { benchCommandLines } from "./bench/command-lines.ts";
import { benchHouseholds, benchPeers } from "./bench/contest.ts";
import { closeLab, type Lab, openLab } from "./bench/lab.ts";
import { benchMemory, benchServiceMemory, type MemoryResult } from "./bench/memory.ts";
import { benchMixed } from "./bench/mixed.ts";
import { measureRecall, QUERY_SETS, readCatalog } from "./bench/recall.ts";
import { describeMachine, markdown, type Results } from "./bench/report.ts";
import { benchProcesses, benchStarts } from "./bench/timings.ts";
import { benchTokens } from "./bench/tokens.ts";
import { verdictsOf } from "./bench/verdict.ts";

const PEERS = "peers";
/** It installs two servers, and is a part of the peers. */
const HOUSEHOLD = "household";
const COMMANDS = "commands";
/** They install what they measure from the registry. */
const FETCHING = [PEERS, COMMANDS];
const SECTIONS = [
  "calls",
  "bridges",
  "processes",
  "starts",
  "memory",
  "mixed",
  "tokens",
  "recall",
  "cache",
];

const USAGE = `Usage: bun run bench [options]

  --rounds N      rounds of the call matrix (3)
  --duration MS   window of one measurement (700)
  --only LIST     of ${[...SECTIONS, HOUSEHOLD, ...FETCHING].join(",")}
  --peers         all that, and ${FETCHING.join(" and ")}: the same beside others of the registry
  --check         a short run; exits 1 when a ratio is beyond its limit in scripts/bench/ratios.json
  --binary FILE   the mcpd to measure (dist/mcpd)
  --json FILE     also write all results as JSON
  --help          this text`;

type Options = {
  readonly rounds: number;
  readonly durationMs: number;
  readonly only: readonly string[];
  readonly check: boolean;
  readonly binary: string;
  readonly json: string | undefined;
};

/** Throws with what is wrong when the words make no sense. */
function readOptions(words: string[]): Options {
  const text = { type: "string" } as const;
  const options = { rounds: text, duration: text, only: text, binary: text, json: text };
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({ args: words, options: { ...options, peers: flag, check: flag } });
  const beside = values.peers === true ? FETCHING : [];
  const only = [...(values.only?.split(",") ?? SECTIONS), ...beside];
  const rounds = Number(values.rounds ?? 3);
  const durationMs = Number(values.duration ?? 700);
  const unknown = only.find((section) => ![...SECTIONS, HOUSEHOLD, ...FETCHING].includes(section));
  if (unknown !== undefined) throw new Error(`Unknown section "${unknown}"`);
  if (!(rounds >= 1)) throw new Error("--rounds must be 1 or more");
  if (!(durationMs >= 100)) throw new Error("--duration must be 100 or more");
  const binary = values.binary ?? join(import.meta.dir, "..", "dist", "mcpd");
  return { rounds, durationMs, only, binary, json: values.json, check: values.check === true };
}

async function measure(lab: Lab, options: Options): Promise<Results> {
  const machine = describeMachine(lab.loadCore.length > 0);
  const besidePeers = options.only.includes(PEERS);
  const wanted = (section: string): boolean => {
    if (options.only.includes(section)) console.error(`bench: ${section}`);
    return options.only.includes(section);
  };
  return {
    machine,
    calls: wanted("calls") ? await benchCalls(lab, options) : [],
    bridges: wanted("bridges") ? await benchBridges(lab, options) : null,
    processes: wanted("processes") ? await benchProcesses(lab, 60) : [],
    starts: wanted("starts") ? await benchStarts(lab, 10) : [],
    memory: wanted("memory") ? await memoryOf(lab) : [],
    mixed: wanted("mixed") ? await benchMixed(lab, 8, 10_000) : null,
    commands: wanted(COMMANDS) ? await benchCommandLines(lab, 15) : [],
    peers: wanted(PEERS) ? await benchPeers(lab, options) : [],
    household: wanted(HOUSEHOLD) || besidePeers ? await benchHouseholds(lab, besidePeers) : [],
    tokens: wanted("tokens") ? await benchTokens(lab) : [],
    recall: wanted("recall") ? QUERY_SETS.map((set) => measureRecall(readCatalog(), set)) : [],
    cache: wanted("cache") ? await benchCache(lab) : null,
  };
}

async function memoryOf(lab: Lab): Promise<MemoryResult[]> {
  return [...(await benchMemory(lab, [1000, 10_000])), ...(await benchServiceMemory(lab))];
}

/** Prints each ratio beside its limit; false when one is beyond it. */
async function compare(lab: Lab): Promise<boolean> {
  const checked = check(readLimits(), await measureRatios(lab));
  for (const row of checked) console.log(checkLine(row));
  return checked.every(({ ok }) => ok);
}

async function bench(options: Options): Promise<boolean> {
  const lab = await openLab(options.binary);
  // Children end with their parent, but the programs are large and would stay.
  process.once("SIGINT", () => {
    closeLab(lab);
    process.exit(130);
  });
  try {
    if (lab.mcpd === null) console.error(`bench: ${options.binary} is not there: without mcpd`);
    if (options.check) return await compare(lab);
    const results = await measure(lab, options);
    console.log(markdown(results));
    if (options.json !== undefined) {
      const document = { ...results, verdicts: verdictsOf(results) };
      writeFileSync(options.json, `${JSON.stringify(document, null, 2)}\n`);
    }
    return true;
  } finally {
    closeLab(lab);
  }
}

async function main(words: string[]): Promise<number> {
  if (words.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  if (!existsSync("/proc/self/smaps_rollup")) {
    console.error("Cannot bench: there is no /proc of Linux here; run it on Linux");
    return 1;
  }
  let options: Options;
  try {
    options = readOptions(words);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  return (await bench(options)) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
