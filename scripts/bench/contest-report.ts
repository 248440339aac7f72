/** What the contest came to, as a table: a column each, a line for each figure. */
import type { ContestCell, ContestRow } from "./contest.ts";
import type { HouseholdRow } from "./household.ts";
import type { LoadResult } from "./load.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { digits } from "./verdict.ts";

const MEBIBYTE = 1_048_576;
const KIBIBYTE = 1024;

/** Head and lines of the table; nothing when nobody took part. */
export function contestTable(rows: readonly ContestRow[]): string[][] {
  const [first] = rows;
  if (first === undefined) return [];
  const measured = rows.find(({ problem }) => problem === null);
  const names = measured?.cells.map(({ name }) => name) ?? [];
  const lines = names.flatMap((name) => [
    line(`${name}: calls/s`, (row) => cellText(row, name, "callsPerSecond")),
    line(`${name}: p50, ms`, (row) => cellText(row, name, "p50Ms")),
    line(`${name}: CPU per call, us`, (row) => cellText(row, name, "proxyCpuMicros")),
  ]);
  return [
    ["", ...rows.map(({ name, version }) => `${name} ${version}`.trim())],
    ...lines,
    line("start to first tools/list, ms", ({ startMs }) => spread(startMs)),
    line("PSS idle, upstream included, MB", ({ memory }) =>
      memory === null ? "" : digits(memory.idleBytes / MEBIBYTE),
    ),
    line("PSS per idle session, KB", ({ memory }) =>
      memory === null ? "" : digits(memory.perSessionBytes / KIBIBYTE),
    ),
    line("own processes", ({ memory }) => (memory === null ? "" : String(memory.processes))),
  ];

  function line(what: string, valueOf: (row: ContestRow) => string): string[] {
    return [what, ...rows.map((row) => (row.problem === null ? valueOf(row) : "-"))];
  }
}

/** A line each: what it takes to serve five clients five real servers. */
export function householdTable(rows: readonly HouseholdRow[]): string[][] {
  const lines = rows
    .filter(({ problem }) => problem === null)
    .map(({ name, processes, serverBytes, proxyBytes, privateBytes }) => [
      name,
      String(processes),
      ...[serverBytes + proxyBytes, proxyBytes, serverBytes, privateBytes].map((bytes) =>
        digits(bytes / MEBIBYTE),
      ),
    ]);
  const head = ["", "processes", "PSS, MB", "of it the proxy", "of it servers", "private, MB"];
  return lines.length === 0 ? [] : [head, ...lines];
}

/** Why a column or a field is empty. */
export function contestProblems(
  rows: readonly ContestRow[],
  households: readonly HouseholdRow[],
): string[] {
  return [
    ...rows.flatMap(({ name, problem, cells }) => [
      ...problemLine(name, problem),
      ...cells.flatMap((cell) => problemLine(`${name}, ${cell.name}`, cell.problem)),
    ]),
    ...households.flatMap(({ name, problem }) => problemLine(`${name}, household`, problem)),
  ];
}

function problemLine(what: string, problem: string | null): readonly string[] {
  return problem === null ? [] : [`${what}: ${problem.slice(0, 300)}`];
}

type Key = "callsPerSecond" | "p50Ms" | "proxyCpuMicros";

function cellText({ cells }: ContestRow, name: string, key: Key): string {
  const cell: ContestCell | undefined = cells.find((found) => found.name === name);
  const values = cell?.rounds.filter(isRight).map((round) => round[key]) ?? [];
  return values.length === 0 ? "wrong" : spread(spreadOf(values));
}

/** Figures of calls that came out wrong are none. */
function isRight({ calls, errors }: LoadResult): boolean {
  return calls > 0 && errors === 0;
}

function spread(values: Spread | null): string {
  if (values === null) return "";
  const { min, median, max } = values;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}-${digits(max)})`;
}
