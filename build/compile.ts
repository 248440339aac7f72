import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";

import manifest from "../package.json" with { type: "json" };
import type { Target } from "./targets.ts";

export const ROOT = dirname(import.meta.dir);

/** How many times longer than usual code runs before it is compiled to machine code. */
const JIT_PATIENCE = 8;

export type Compiled = {
  readonly path: string;
  readonly bytes: number;
  readonly milliseconds: number;
};

export type Stamp = {
  readonly version: string;
  readonly commit: string;
  /** Public keys of releases that the program trusts. */
  readonly releaseKeys: readonly string[];
};

/** The public keys of releases, one per line, at most two; "#" begins a remark. */
export const RELEASE_KEYS_FILE = join(ROOT, "build", "release-keys.txt");

/** What a build says about itself: the version of the package and the short commit. */
export function stamp(): Stamp {
  return {
    version: manifest.version,
    commit: commit() ?? "source",
    releaseKeys: releaseKeys(readFileSync(RELEASE_KEYS_FILE, "utf8")),
  };
}

export function releaseKeys(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return lines.filter((line) => line !== "");
}

/** null outside a clone, and where there is no git. */
function commit(): string | null {
  if (Bun.which("git") === null) return null;
  const words = ["git", "rev-parse", "--short=12", "HEAD"];
  const git = Bun.spawnSync(words, { cwd: ROOT, stderr: "ignore" });
  return git.success ? git.stdout.toString().trim() : null;
}

/**
 * Compiles src/main.ts to one executable at `path`. The file appears complete or not at all, so a
 * running mcpd is never written over. Throws what Bun reports, also when the target's runtime
 * cannot be downloaded.
 */
export async function compile(
  target: Target,
  path: string,
  made: Stamp = stamp(),
): Promise<Compiled> {
  const started = performance.now();
  mkdirSync(dirname(path), { recursive: true });
  const workshop = mkdtempSync(join(dirname(path), ".building-"));
  try {
    // The name of the output is part of the bytes: it is the same for every build of a target.
    const output = join(workshop, target.file);
    await Bun.build(options(target, output, made));
    renameSync(join(workshop, executableIn(workshop)), path);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
  return { path, bytes: statSync(path).size, milliseconds: performance.now() - started };
}

function options(target: Target, outfile: string, made: Stamp): Bun.BuildConfig {
  return {
    entrypoints: [join(ROOT, "src", "main.ts")],
    // Bytecode without format "esm" builds a broken program without a word.
    format: "esm",
    bytecode: true,
    // With splitting, a light command parses only the chunks it needs.
    splitting: true,
    minify: true,
    // Stack traces name our lines; the map is inside the executable.
    sourcemap: "inline",
    // No import() whose target is only known when it runs: it would fail in the executable.
    allowUnresolved: [],
    define: {
      MCPD_VERSION: JSON.stringify(made.version),
      MCPD_COMMIT: JSON.stringify(made.commit),
      MCPD_TARGET: JSON.stringify(target.name),
      MCPD_RELEASE_KEYS: JSON.stringify(made.releaseKeys.join(" ")),
    },
    throw: true,
    compile: {
      outfile,
      target: target.bun,
      // What a light command runs once is not worth compiling; `serve` takes this back.
      jitPolicy: JIT_PATIENCE,
      // By default an executable would run the preload of a bunfig.toml in the current directory.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
      execArgv: runtimeFlags(target),
    },
  };
}

/**
 * Direct children never outlive us, not even after SIGKILL. On Windows this would end all that we
 * have started, however detached: there the bootstrap gives it to its server alone.
 */
export function runtimeFlags({ os }: Pick<Target, "os">): string[] {
  return os === "win32" ? [] : ["--no-orphans"];
}

/** The executable beside the .map file that Bun leaves as well. */
function executableIn(folder: string): string {
  const file = readdirSync(folder).find((name) => name === "mcpd" || name === "mcpd.exe");
  if (file === undefined) throw new Error(`Bun wrote no executable into ${folder}`);
  return file;
}
