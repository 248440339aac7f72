/** `bun run check`: everything that can be found without running the program. */
import { dirname, join } from "node:path";

const ROOT = dirname(import.meta.dir);
const FORMATTED = ["src", "build", "scripts", "test", "README.md", "CHANGELOG.md"];
const PAGES = ["ARCHITECTURE", "CONTRIBUTING", "SECURITY"].map((page) => `.github/${page}.md`);
const GUIDE = ".github/guide";

export type Step = { readonly name: string; readonly command: readonly string[] };

/** Each runs with this very Bun, also where there is no Node for the tools' `#!` lines. */
const CHECKS: readonly Step[] = [
  { name: "format", command: ["fmt", "--check", ...FORMATTED, ...PAGES, GUIDE] },
  { name: "types", command: ["check", "--no-script"] },
  {
    name: "lint",
    command: ["node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings"],
  },
  { name: "unused code", command: ["node_modules/knip/bin/knip.js"] },
];

/** Runs one step; its output is shown only when it fails. True when it passed. */
export function pass({ name, command }: Step): boolean {
  const started = performance.now();
  const run = Bun.spawnSync([process.execPath, ...command], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? "1" : "0" },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${run.success ? "(pass)" : "(fail)"} ${name} [${seconds} s]`);
  if (!run.success) {
    console.log(`${run.stdout.toString()}${run.stderr.toString()}`.trimEnd());
    console.log(`Again: bun ${command.map((word) => word.replace(`${ROOT}/`, "")).join(" ")}`);
  }
  return run.success;
}

/** Runs all checks, also after one has failed. Returns what each came to. */
export function runChecks(): readonly boolean[] {
  return CHECKS.map(pass);
}

/** The step that makes dist/mcpd, which the end-to-end tests run. */
export const BUILD: Step = { name: "build", command: [join(ROOT, "build", "build.ts")] };

if (import.meta.main) {
  const failed = runChecks().filter((passed) => !passed).length;
  console.log(failed === 0 ? "All checks passed" : `${failed} of ${CHECKS.length} checks failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
