import type { Stamp } from "./compile.ts";
import type { Target } from "./targets.ts";

/** Whether this machine can run what is built for `target`. */
export function runsHere(target: Target): boolean {
  if (target.os !== process.platform || target.arch !== process.arch) return false;
  return target.os !== "linux" || target.musl === isMusl();
}

/**
 * Starts the built program and checks what it says about itself: a build that only looks right is
 * found here and not by a user. Returns what is wrong, or null.
 */
export function smoke(
  path: string,
  { version, commit }: Pick<Stamp, "version" | "commit">,
): string | null {
  return says(path, ["--version"], version) ?? says(path, ["version", "--json"], commit);
}

function says(path: string, words: readonly string[], expected: string): string | null {
  const run = Bun.spawnSync([path, ...words], { stdin: "ignore", timeout: 20_000 });
  const call = `'${path} ${words.join(" ")}'`;
  if (run.exitCode !== 0) {
    const cause = run.stderr.toString().trim() || `exit code ${run.exitCode}`;
    return `${call} failed: ${cause}`;
  }
  const said = run.stdout.toString().trim();
  return said.includes(expected) ? null : `${call} said "${said}": expected ${expected} in it`;
}

function isMusl(): boolean {
  const report = process.report.getReport();
  const header = typeof report === "object" && "header" in report ? report.header : undefined;
  return !(typeof header === "object" && header !== null && "glibcVersionRuntime" in header);
}
