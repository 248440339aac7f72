/**
 * `npm test`: the checks, the build, and every test, also those of the compiled program. The last
 * line is `N passed, N failed`; a skipped test, a test file without results and a runner that
 * breaks are failures. With arguments (`npm test -- test/core -t "settle"`) only those tests run.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { BUILD, pass, runChecks } from "./check.ts";

const ROOT = dirname(import.meta.dir);
const REPORT = join(ROOT, "dist", "junit.xml");
/** Generous, because a loaded machine is no failure: a test that hangs is found all the same. */
const TEST_TIMEOUT_MS = 30_000;

type Tally = { readonly passed: number; readonly failed: number };

const NOTHING: Tally = { passed: 0, failed: 0 };

function add(one: Tally, other: Tally): Tally {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

function tallyOf(steps: readonly boolean[]): Tally {
  const passed = steps.filter(Boolean).length;
  return { passed, failed: steps.length - passed };
}

/** Runs `bun test` and counts what its report says. */
async function runTests(words: readonly string[]): Promise<Tally> {
  mkdirSync(dirname(REPORT), { recursive: true });
  rmSync(REPORT, { force: true });
  const options = [
    `--timeout=${TEST_TIMEOUT_MS}`,
    "--reporter=junit",
    `--reporter-outfile=${REPORT}`,
  ];
  const run = Bun.spawn([process.execPath, "test", ...options, ...words], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const forward = (signal: NodeJS.Signals): void => run.kill(signal);
  process.once("SIGTERM", forward);
  const exitCode = await run.exited;
  process.off("SIGTERM", forward);
  const tally = readReport(words.length === 0);
  // Something went wrong that no test has to its name.
  return exitCode !== 0 && tally.failed === 0 ? add(tally, { passed: 0, failed: 1 }) : tally;
}

function readReport(everything: boolean): Tally {
  let report: string;
  try {
    report = readFileSync(REPORT, "utf8");
  } catch {
    console.log("(fail) bun test left no report");
    return { passed: 0, failed: 1 };
  }
  const head = /<testsuites [^>]*>/.exec(report)?.[0] ?? "";
  const count = (name: string): number => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1]);
  const tests = count("tests");
  const skipped = count("skipped");
  const silent = everything ? silentFiles(report) : [];
  for (const file of silent) console.log(`(fail) no results from ${file}`);
  if (skipped > 0) console.log(`(fail) ${skipped} skipped: a test runs or goes`);
  const failed = count("failures") + skipped;
  if (!(tests > 0)) return { passed: 0, failed: 1 };
  return { passed: tests - failed, failed: failed + silent.length };
}

/** Test files that broke before their first test: the report leaves them out. */
function silentFiles(report: string): readonly string[] {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(ROOT)];
  return files.map((file) => file.replaceAll("\\", "/")).filter((file) => !report.includes(file));
}

async function main(words: readonly string[]): Promise<number> {
  const checks = words.length === 0 ? tallyOf(runChecks()) : NOTHING;
  const build = tallyOf([pass(BUILD)]);
  const tests = await runTests(words);
  const all = [checks, build, tests].reduce(add);
  console.log(`\nchecks and build: ${line(add(checks, build))}\ntests: ${line(tests)}\n`);
  console.log(line(all));
  return all.failed === 0 ? 0 : 1;
}

function line({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`;
}

process.exitCode = await main(process.argv.slice(2));
