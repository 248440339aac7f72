/** What a run of the bench works with: compiled programs, a home of its own, cores. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAMS = ["relay", "bare-bridge", "upstream", "hello"] as const;

export type Lab = {
  readonly root: string;
  readonly programs: Readonly<Record<(typeof PROGRAMS)[number], string>>;
  /** The binary under test, or null when it is not built. */
  readonly mcpd: string | null;
  /** Put before a command: the proxy has one core, the load and the upstream the other. */
  readonly proxyCore: readonly string[];
  readonly loadCore: readonly string[];
  /** Environment of every process: nothing of the user's but PATH. */
  readonly environment: Readonly<Record<string, string>>;
};

/** Compiles the programs as mcpd is compiled and makes the home. `closeLab` removes it all. */
export async function openLab(binary: string): Promise<Lab> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "mcpd-bench-")));
  const pinned = Bun.which("taskset") !== null && availableParallelism() >= 2;
  const programs = { relay: "", "bare-bridge": "", upstream: "", hello: "" };
  for (const name of PROGRAMS) programs[name] = await compile(name, join(root, "bin", name));
  // A copy, as the other programs are new: a daemon that runs elsewhere would share its memory.
  const mcpd = existsSync(binary) ? join(root, "bin", "mcpd") : null;
  if (mcpd !== null) copyFileSync(binary, mcpd);
  return {
    root,
    programs,
    mcpd,
    proxyCore: pinned ? ["taskset", "-c", "0"] : [],
    loadCore: pinned ? ["taskset", "-c", "1"] : [],
    environment: isolatedEnvironment(root),
  };
}

export function closeLab(lab: Lab): void {
  rmSync(lab.root, { recursive: true, force: true, maxRetries: 3 });
}

/** The same flags as build/ has for mcpd, so that a comparison is one of programs alone. */
async function compile(name: string, outfile: string): Promise<string> {
  await Bun.build({
    entrypoints: [join(import.meta.dir, `${name}.ts`)],
    format: "esm",
    bytecode: true,
    splitting: true,
    minify: true,
    sourcemap: "inline",
    throw: true,
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      execArgv: ["--no-orphans"],
    },
  });
  return outfile;
}

function isolatedEnvironment(root: string): Record<string, string> {
  const environment: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    TZ: "UTC",
    // Benches run in containers too, whose only user is root.
    MCPD_ALLOW_ROOT: "1",
  };
  const folders = {
    HOME: "home",
    XDG_CONFIG_HOME: "config",
    XDG_DATA_HOME: "data",
    XDG_STATE_HOME: "state",
    XDG_CACHE_HOME: "cache",
    XDG_RUNTIME_DIR: "run",
  };
  for (const [name, folder] of Object.entries(folders)) {
    environment[name] = join(root, folder);
    mkdirSync(join(root, folder), { recursive: true, mode: 0o700 });
  }
  return environment;
}
