/**
 * `bun run build` makes dist/mcpd for this machine and dist/package, the library. With `--all` it
 * makes the eight targets dist/<target>/mcpd[.exe], and dist/SHA256SUMS of what may be shipped, as
 * well; `--target=NAME` makes one target. `--inspect` makes nothing: it looks at the eight that are
 * there, some of them signed elsewhere since, and writes SHA256SUMS anew. It fails when one of them
 * may not be shipped.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { writeFileAtomic } from "../src/lib/files.ts";
import { compile, stamp } from "./compile.ts";
import { inspect, type Inspection } from "./inspect.ts";
import { buildLibrary } from "./library.ts";
import { canSign, sign } from "./sign.ts";
import { runsHere, smoke } from "./smoke.ts";
import { type Target, TARGETS } from "./targets.ts";

const DIST = join(dirname(import.meta.dir), "dist");

type Built = {
  readonly target: Target;
  readonly path: string;
  /** What is "unsigned" is built and told, but not shipped. */
  readonly verdict: Inspection["verdict"];
  readonly line: string;
};

/**
 * Builds and checks one target; a failure is a value, so that the other targets are still built.
 */
async function make(target: Target, path: string): Promise<Built> {
  const built = (verdict: Built["verdict"], line: string): Built => {
    return { target, path, verdict, line: `${target.name.padEnd(17)} ${line}` };
  };
  try {
    const { bytes, milliseconds } = await compile(target, path);
    const size = `${(bytes / 1024 / 1024).toFixed(1)} MB in ${(milliseconds / 1000).toFixed(1)} s`;
    const unsigned = target.os === "darwin" && canSign() ? sign(path) : null;
    if (unsigned !== null) return built("failed", unsigned);
    const { verdict, text } = inspect(target, readFileSync(path));
    const found = `${size}, ${text}`;
    if (verdict !== "good") return built(verdict, found);
    if (!runsHere(target)) return built("good", `${found}, not started on this machine`);
    const wrong = smoke(path, stamp());
    return wrong === null ? built("good", `${found}, started and asked`) : built("failed", wrong);
  } catch (error) {
    return built("failed", `cannot build: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  const parts = error instanceof AggregateError ? error.errors : [error];
  const text = parts
    .map((part) => (part instanceof Error ? part.message : String(part)))
    .join("; ");
  const download = /download|network|connect|registry|extract/i.test(text);
  return download
    ? `${text} (the runtime of a foreign target comes from the npm registry: is this machine online?)`
    : text;
}

async function makeAll(targets: readonly Target[]): Promise<readonly Built[]> {
  const all: Built[] = [];
  for (const target of targets) {
    const path = join(DIST, target.name, target.file);
    // What an earlier build left must not pass for this one when this one fails.
    rmSync(path, { force: true });
    const built = await make(target, path);
    console.log(built.line);
    all.push(built);
  }
  return all;
}

/** False when it failed; that is told. */
async function makeLibrary(): Promise<boolean> {
  try {
    console.log(`${"library".padEnd(17)} ${await buildLibrary()}`);
    return true;
  } catch (error) {
    console.log(`${"library".padEnd(17)} cannot build: ${reason(error)}`);
    return false;
  }
}

/** What was built before, perhaps on another machine, and may have been signed since. */
function inspectAll(targets: readonly Target[]): readonly Built[] {
  return targets.map((target) => {
    const path = join(DIST, target.name, target.file);
    const { verdict, text } = existsSync(path)
      ? inspect(target, readFileSync(path))
      : ({ verdict: "failed", text: "is missing" } as const);
    const built = { target, path, verdict, line: `${target.name.padEnd(17)} ${text}` };
    console.log(built.line);
    return built;
  });
}

/** dist/SHA256SUMS in the form `sha256sum --check` reads, of the good ones only. */
function writeChecksums(all: readonly Built[]): void {
  const lines = all
    .filter(({ verdict }) => verdict === "good")
    .map(({ target, path }) => {
      const sum = createHash("sha256").update(readFileSync(path)).digest("hex");
      return `${sum}  ${target.name}/${target.file}\n`;
    });
  writeFileAtomic(join(DIST, "SHA256SUMS"), lines.join(""), { mode: 0o644 });
}

function summary(all: readonly Built[]): string {
  const count = (verdict: Built["verdict"]): number =>
    all.filter((built) => built.verdict === verdict).length;
  const unsigned = count("unsigned") === 0 ? "" : `, ${count("unsigned")} to be signed again`;
  return `${count("good")} of ${all.length} good${unsigned}, ${count("failed")} failed`;
}

/** Returns the exit code. */
async function main(words: readonly string[]): Promise<number> {
  const named = words.find((word) => word.startsWith("--target="))?.slice("--target=".length);
  const here = TARGETS.find(runsHere);
  if (words.includes("--all")) {
    rmSync(join(DIST, "SHA256SUMS"), { force: true });
    const all = await makeAll(TARGETS);
    writeChecksums(all);
    const packed = await makeLibrary();
    console.log(summary(all));
    return all.some(({ verdict }) => verdict === "failed") || !packed ? 1 : 0;
  }
  if (words.includes("--inspect")) {
    const all = inspectAll(TARGETS);
    writeChecksums(all);
    console.log(summary(all));
    return all.every(({ verdict }) => verdict === "good") ? 0 : 1;
  }
  if (named !== undefined) {
    const target = TARGETS.find(({ name }) => name === named);
    if (target === undefined) {
      const names = TARGETS.map(({ name }) => name).join(", ");
      console.error(`Cannot build "${named}": there is no such target. Name one of ${names}.`);
      return 2;
    }
    const [built] = await makeAll([target]);
    return built?.verdict === "failed" ? 1 : 0;
  }
  if (here === undefined) {
    console.error(
      `Cannot build for this machine: ${process.platform} ${process.arch} is no target.`,
    );
    return 1;
  }
  const built = await make(here, join(DIST, here.file));
  console.log(built.line);
  const packed = await makeLibrary();
  return built.verdict === "failed" || !packed ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
