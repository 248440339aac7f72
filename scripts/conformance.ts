/**
 * `bun run conformance`: the official suite against the fixture itself and against mcpd in front of
 * it. Prints the scores and what fails, and exits 1 when a score is below its floor. `--json` for
 * machines; words pick targets and revisions: `bun run conformance legacy 2025-11-25`.
 */
import { type Revision, REVISIONS, type Scenario } from "../test/conformance/suite.ts";
import { scenariosAt, type Target, TARGETS } from "../test/conformance/targets.ts";

/** Scored scenarios that must pass. What has been reached is kept: floors only go up. */
export const FLOORS: { readonly [target in Target]: { readonly [revision in Revision]: number } } =
  {
    direct: { "2025-11-25": 30, "2026-07-28": 37 },
    dual: { "2025-11-25": 30, "2026-07-28": 0 },
    modern: { "2025-11-25": 0, "2026-07-28": 0 },
    legacy: { "2025-11-25": 30, "2026-07-28": 0 },
  };

export type Score = {
  readonly target: Target;
  readonly revision: Revision;
  readonly passed: number;
  readonly total: number;
  readonly floor: number;
  /** Of the scenarios that do not count. */
  readonly extra: { readonly passed: number; readonly total: number };
  /** Scored scenarios first. */
  readonly failing: readonly Scenario[];
};

/** Runs one requirement set against one target. */
export async function score(target: Target, revision: Revision): Promise<Score> {
  const scenarios = await scenariosAt(target, revision);
  const scored = scenarios.filter((scenario) => scenario.scored);
  const others = scenarios.filter((scenario) => !scenario.scored);
  return {
    target,
    revision,
    ...tally(scored),
    floor: FLOORS[target][revision],
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

/** Targets down, revisions across. */
function table(scores: readonly Score[]): string {
  const row = (cells: readonly string[]): string => cells.map((cell) => cell.padEnd(18)).join("");
  const cell = (target: Target, revision: Revision): string => {
    const found = scores.find((one) => one.target === target && one.revision === revision);
    if (found === undefined) return "";
    const { passed, total, extra } = found;
    return `${passed}/${total} (+${extra.passed}/${extra.total})`;
  };
  const targets = TARGETS.filter((target) => scores.some((one) => one.target === target));
  return [
    row(["", ...REVISIONS]),
    ...targets.map((target) =>
      row([target, ...REVISIONS.map((revision) => cell(target, revision))]),
    ),
  ].join("\n");
}

/** The given ones of `all`, or all of them when none is given. */
function picked<T extends string>(all: readonly T[], words: readonly string[]): readonly T[] {
  const given = all.filter((one) => words.includes(one));
  return given.length === 0 ? all : given;
}

async function main(words: readonly string[]): Promise<number> {
  const known: readonly string[] = [...TARGETS, ...REVISIONS, "--json"];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    console.error(`Unknown word: ${unknown}; use ${known.join(", ")}`);
    return 2;
  }
  const scores: Score[] = [];
  for (const target of picked(TARGETS, words)) {
    for (const revision of picked(REVISIONS, words)) {
      scores.push(await score(target, revision));
    }
  }
  if (words.includes("--json")) console.log(JSON.stringify(scores, null, 2));
  else console.log([...scores.map(report), "", table(scores)].join("\n"));
  return scores.every(({ passed, floor }) => passed >= floor) ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
