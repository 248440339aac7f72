/** Runs the official suite (`@modelcontextprotocol/conformance`) and reads its files. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { ROOT } from "../helpers/sources.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

/** What a revision of the protocol requires, as the suite froze it. */
export const REVISIONS = ["2025-11-25", "2026-07-28"] as const;

export type Revision = (typeof REVISIONS)[number];

/** Who is under test: a server, or a client that the suite starts. */
export type Leg = "server" | "client";

export type Failure = { readonly check: string; readonly message: string };

export type Scenario = {
  readonly name: string;
  /** Counts for the score; the others are extensions and later additions, run to be seen. */
  readonly scored: boolean;
  /** Empty when it passes. */
  readonly failures: readonly Failure[];
};

type Requirements = {
  readonly server: readonly string[];
  readonly client: readonly string[];
  readonly not_scored: readonly { readonly scenario: string; readonly leg: Leg }[];
};

type Check = { readonly id: string; readonly status: string; readonly errorMessage?: string };

const PACKAGE = join(ROOT, "node_modules", "@modelcontextprotocol", "conformance");
const CONCLUSIVE: readonly string[] = ["SUCCESS", "WARNING", "SKIPPED"];
/** The suite puts the time behind a scenario's name: "server-ping-2026-01-31T12-00-00-000Z". */
const STAMP = /-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

/** Every scenario of a requirement set, against the server at `url`. Takes a few seconds. */
export async function runServerSuite(
  url: string,
  revision: Revision,
): Promise<readonly Scenario[]> {
  using results = new TemporaryDirectory();
  const printed = await runSuite("server", {
    url,
    requirements: revision,
    "output-dir": results.path,
  });
  return scenariosOf("server", revision).map(({ name, scored }) => {
    const failures = failuresOf(results.path, `server-${name}`, printed);
    return { name, scored, failures };
  });
}

/**
 * Every client scenario: for each the suite starts a server and `command` with the server's URL
 * behind it. One after the other, since a command may be a whole daemon. Takes a minute.
 */
export async function runClientSuite(
  command: string,
  revision: Revision,
): Promise<readonly Scenario[]> {
  const scenarios: Scenario[] = [];
  for (const { name, scored } of scenariosOf("client", revision)) {
    using results = new TemporaryDirectory();
    const printed = await runSuite("client", {
      command,
      scenario: name,
      "spec-version": revision,
      "output-dir": results.path,
    });
    scenarios.push({ name, scored, failures: failuresOf(results.path, name, printed) });
  }
  return scenarios;
}

/** Returns what it printed. */
async function runSuite(leg: Leg, options: { readonly [name: string]: string }): Promise<string> {
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  // The requirement set decides what runs, not the range of revisions a scenario gives itself.
  if (leg === "client") words.push("--force");
  const suite = Bun.spawn([process.execPath, join(PACKAGE, "dist", "index.js"), leg, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([
    new Response(suite.stdout).text(),
    new Response(suite.stderr).text(),
  ]);
  await suite.exited;
  return stdout + stderr;
}

function scenariosOf(
  leg: Leg,
  revision: Revision,
): readonly { readonly name: string; readonly scored: boolean }[] {
  const file = join(PACKAGE, "requirements", `${revision}.yaml`);
  const required = Bun.YAML.parse(readFileSync(file, "utf8")) as Requirements;
  const others = required.not_scored.filter((other) => other.leg === leg);
  return [
    ...required[leg].map((name) => ({ name, scored: true })),
    ...others.map(({ scenario }) => ({ name: scenario, scored: false })),
  ];
}

/** What failed in the one result of a scenario; no result at all is a failure. */
function failuresOf(results: string, name: string, printed: string): readonly Failure[] {
  // The name of a scenario may have a folder in front: "auth/basic-cimd".
  const folder = join(results, name, "..");
  const own = existsSync(folder)
    ? readdirSync(folder).find((entry) => entry.replace(STAMP, "") === basename(name))
    : undefined;
  const file = join(folder, own ?? "", "checks.json");
  if (own === undefined || !existsSync(file)) {
    return [{ check: "result", message: `The suite left none: ${printed.trim().slice(-500)}` }];
  }
  const checks = JSON.parse(readFileSync(file, "utf8")) as readonly Check[];
  const failures = checks
    .filter(({ status }) => status === "FAILURE")
    .map(({ id, errorMessage = "failed" }) => ({ check: id, message: errorMessage }));
  if (failures.length > 0 || checks.some(({ status }) => CONCLUSIVE.includes(status))) {
    return failures;
  }
  // The suite itself lets a client pass that never came.
  return [{ check: "result", message: "Nothing was checked" }];
}
