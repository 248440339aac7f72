/**
 * `bun run soak`: the compiled daemon under a gentle load for half an hour, and what it takes of
 * memory meanwhile. Clients come and go, call tools small and large, and one server dies every few
 * seconds. Linux only. Exits 1 when an answer was wrong, or memory grows.
 */
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { grows, soak, type SoakReport } from "./soak/run.ts";

const USAGE = `Usage: bun run soak [options]

  --minutes N   how long (30); less than nine are too few to tell whether memory grows
  --json FILE   also write the report as JSON
  --help        this text`;

const MEBIBYTE = 1_048_576;

/** Of 30 minutes: 1, 10, 20, 30. */
function marksOf(minutes: number): readonly number[] {
  return [minutes / 30, minutes / 3, (minutes * 2) / 3, minutes];
}

function megabytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MB`;
}

function show(report: SoakReport): void {
  console.log(
    "\n| until minute | private memory | PSS | sessions | open files | calls | restarts |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const sample of report.samples) {
    const { minute, lowestBytes, highestBytes, proportionalBytes } = sample;
    const { sessions, files, calls, restarts } = sample;
    const memory = `${megabytes(lowestBytes)} to ${megabytes(highestBytes)}`;
    const cells = [minute.toFixed(1), memory, megabytes(proportionalBytes)];
    console.log(`| ${[...cells, sessions, files, calls, restarts].join(" | ")} |`);
  }
  console.log(`\n${report.wrong.length} wrong answers`);
  for (const line of report.wrong.slice(0, 10)) console.log(`  ${line}`);
  if (grows(report.samples)) console.log("The memory of the server GROWS");
}

async function main(words: string[]): Promise<number> {
  if (words.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  if (!existsSync("/proc/self/smaps_rollup")) {
    console.error("Cannot soak: there is no /proc of Linux here; run it on Linux");
    return 1;
  }
  const text = { type: "string" } as const;
  const { values } = parseArgs({ args: words, options: { minutes: text, json: text } });
  const minutes = Number(values.minutes ?? 30);
  if (!(minutes > 0)) throw new Error(`--minutes must be more than 0`);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const report = await soak({
    marks: marksOf(minutes),
    signal: stop.signal,
    say: (line) => console.log(line),
  });
  show(report);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(report, null, 2));
  return report.wrong.length > 0 || grows(report.samples) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
