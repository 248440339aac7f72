/**
 * `bun run chaos`: clients on every wire write and read while servers, instances and networks die
 * at random; then every write is looked up in the journals of the servers. Exits 1 when one was
 * done twice, lost, or told wrongly, and when a client had to shake hands again that must not.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { quantile } from "./bench/statistics.ts";
import { type ChaosReport, runChaos } from "./chaos/run.ts";

const USAGE = `Usage: bun run chaos [options]

  --seconds N   how long things go wrong (120)
  --seed N      the same events in the same order again (random)
  --clients N   clients of each wire (3)
  --quiet       without a line for each event
  --json FILE   also write the report as JSON
  --help        this text`;

const MEBIBYTE = 1_048_576;
/** A server may grow by a third, and by what a heap does before it is collected. */
const GROWTH_MAX = 1.33;
const GROWTH_BYTES_MAX = 32 * MEBIBYTE;

function numberOf(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be 1 or more`);
  return value;
}

function grows({ memory }: ChaosReport): boolean {
  if (memory === null) return false;
  return memory.late > memory.early * GROWTH_MAX + GROWTH_BYTES_MAX;
}

function listOf(counts: { readonly [name: string]: number }): string {
  return Object.entries(counts)
    .map(([name, count]) => `  ${count} x ${name}`)
    .join("\n");
}

function show(report: ChaosReport): void {
  const { writes, done, refused, unknown, memory, violations } = report;
  console.log(
    `\nseed ${report.seed}, kept by ${report.keeper}\n\nevents:\n${listOf(report.events)}`,
  );
  const [median, longest] = [0.5, 1].map((share) =>
    quantile(report.recoveriesMs, share).toFixed(0),
  );
  console.log(
    `  healthy again after a kill -9 of the server: median ${median} ms, at most ${longest} ms`,
  );
  for (const line of report.left) console.log(`  ${line}`);
  console.log(`\nwhat clients were told:\n${listOf(report.reasons)}`);
  console.log(`\nreconnections:\n${listOf(report.reconnects)}`);
  console.log(
    `\n${writes} writes: ${done} done, ${refused} refused, ` +
      `${unknown.carriedOut + unknown.not} unknown ` +
      `(${unknown.carriedOut} carried out, ${unknown.not} not); ${report.reads} reads`,
  );
  if (memory !== null) {
    const [early, late, most] = [memory.early, memory.late, memory.most].map((bytes) =>
      (bytes / MEBIBYTE).toFixed(1),
    );
    console.log(`private memory: ${early} MB early, ${late} MB late, ${most} MB at most`);
    if (grows(report)) console.log("the memory of the server GROWS");
  }
  console.log(`${violations.length} broken promises`);
  for (const line of violations.slice(0, 20)) console.log(`  ${line}`);
}

async function main(words: string[]): Promise<number> {
  if (words.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: words,
    options: { seconds: text, seed: text, clients: text, json: text, quiet: { type: "boolean" } },
  });
  const seed = numberOf("seed", values.seed, 1 + Math.floor(Math.random() * 1e6));
  const seconds = numberOf("seconds", values.seconds, 120);
  const each = numberOf("clients", values.clients, 3);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const started = performance.now();
  const report = await runChaos({
    seed,
    seconds,
    clients: { http: 2 * each, sse: each, ws: each, bridge: each, call: 1 },
    calmMs: 1_500,
    disk: true,
    clock: true,
    signal: stop.signal,
    say: (line) => {
      const at = ((performance.now() - started) / 1000).toFixed(1);
      if (values.quiet !== true) console.log(`${at.padStart(6)} s  ${line}`);
    },
  });
  show(report);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(report, null, 2));
  return report.violations.length > 0 || grows(report) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
