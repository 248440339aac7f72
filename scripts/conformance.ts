/**
 * `bun run conformance`: the official suite against the fixture itself and against mcpd in front of
 * it. Prints the scores and what fails, and exits 1 when a score is below its floor. `--json` for
 * machines; words pick targets and revisions: `bun run conformance legacy 2025-11-25`.
 */
import { type Revision, REVISIONS, type Scenario } from "../test/conformance/suite.ts";
import { scenariosAt, type Target, TARGETS } from "../test/conformance/targets.ts";

export type Case = {
  readonly target: Target;
  readonly revision: Revision;
  /** Scored scenarios that must pass. What has been reached is kept: floors only go up. */
  readonly floor: number;
};

/** What is run, in this order. */
export const CASES: readonly Case[] = [
  { target: "direct", revision: "2025-11-25", floor: 30 },
  { target: "direct", revision: "2026-07-28", floor: 37 },
  { target: "dual", revision: "2025-11-25", floor: 30 },
  { target: "dual", revision: "2026-07-28", floor: 37 },
  { target: "modern", revision: "2025-11-25", floor: 30 },
  { target: "modern", revision: "2026-07-28", floor: 37 },
  { target: "legacy", revision: "2025-11-25", floor: 30 },
  { target: "legacy", revision: "2026-07-28", floor: 35 },
  { target: "tasks", revision: "2026-07-28", floor: 10 },
  { target: "tasks-through", revision: "2026-07-28", floor: 10 },
  { target: "client", revision: "2025-11-25", floor: 18 },
  { target: "client", revision: "2026-07-28", floor: 32 },
  { target: "upstream", revision: "2025-11-25", floor: 18 },
  { target: "upstream", revision: "2026-07-28", floor: 32 },
];

export type Score = Case & {
  readonly passed: number;
  readonly total: number;
  /** Of the scenarios that do not count. */
  readonly extra: { readonly passed: number; readonly total: number };
  /** Scored scenarios first. */
  readonly failing: readonly Scenario[];
};

/** Runs one requirement set against one target. */
export async function score(wanted: Case): Promise<Score> {
  const scenarios = await scenariosAt(wanted.target, wanted.revision);
  const scored = scenarios.filter((scenario) => scenario.scored);
  const others = scenarios.filter((scenario) => !scenario.scored);
  return {
    ...wanted,
    ...tally(scored),
    extra: tally(others),
    failing: [...scored, ...others].filter((scenario) => !passes(scenario)),
  };
}

/** What a person wants to know about a score: one line, then one for each failing check. */
export function report({ target, revision, passed, total, floor, extra, failing }: Score): string {
  const below = passed < floor ? `, below its floor of ${floor}` : "";
  const others = `and ${extra.passed}/${extra.total} that do not count`;
  return [
    `${target} ${revision}: ${passed}/${total} ${others}${below}`,
    ...failing.flatMap(({ name, scored, failures }) => [
      `  ${name}${scored ? "" : " (does not count)"}`,
      ...failures.map(({ check, message }) => `    ${check}: ${oneLine(message)}`),
    ]),
  ].join("\n");
}

function passes({ failures }: Scenario): boolean {
  return failures.length === 0;
}

function tally(scenarios: readonly Scenario[]): {
  readonly passed: number;
  readonly total: number;
} {
  return { passed: scenarios.filter(passes).length, total: scenarios.length };
}

function oneLine(message: string): string {
  const line = message.replaceAll(/\s+/g, " ");
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}

/** Targets down, revisions across; in brackets what does not count. */
function table(scores: readonly Score[]): string {
  const row = (cells: readonly string[]): string => cells.map((cell) => cell.padEnd(18)).join("");
  const cell = (target: Target, revision: Revision): string => {
    const found = scores.find((one) => one.target === target && one.revision === revision);
    if (found === undefined) return "";
    const { passed, total, extra } = found;
    return `${passed}/${total}${extra.total > 0 ? ` (+${extra.passed}/${extra.total})` : ""}`;
  };
  const targets = TARGETS.filter((target) => scores.some((one) => one.target === target));
  const rows = targets.map((target) => [target, ...REVISIONS.map((one) => cell(target, one))]);
  return [["", ...REVISIONS], ...rows].map(row).join("\n");
}

/** The cases that the words pick: without a target every target, without a revision both. */
function picked(words: readonly string[]): readonly Case[] {
  const [targets, revisions] = [TARGETS, REVISIONS].map((all: readonly string[]) => {
    const given = words.filter((word) => all.includes(word));
    return given.length === 0 ? all : given;
  });
  return CASES.filter(
    ({ target, revision }) => targets?.includes(target) && revisions?.includes(revision),
  );
}

async function main(words: readonly string[]): Promise<number> {
  const known: readonly string[] = [...TARGETS, ...REVISIONS, "--json"];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    console.error(`Unknown word: ${unknown}; use ${known.join(", ")}`);
    return 2;
  }
  const json = words.includes("--json");
  const scores: Score[] = [];
  for (const wanted of picked(words)) {
    const result = await score(wanted);
    if (!json) console.log(report(result));
    scores.push(result);
  }
  console.log(json ? JSON.stringify(scores, null, 2) : `\n${table(scores)}`);
  return scores.every(({ passed, floor }) => passed >= floor) ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
