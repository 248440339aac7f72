/** `npm start`: builds dist/mcpd when its sources are newer and serves in the foreground. */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = dirname(import.meta.dir);
const PROGRAM = join(ROOT, "dist", process.platform === "win32" ? "mcpd.exe" : "mcpd");
const SOURCES = "{src,build}/**/*";
const INPUTS = ["package.json", "bun.lock", "tsconfig.json"];

function isCurrent(): boolean {
  if (!existsSync(PROGRAM)) return false;
  const built = statSync(PROGRAM).mtimeMs;
  const files = [...INPUTS, ...new Bun.Glob(SOURCES).scanSync(ROOT)];
  return files.every((file) => statSync(join(ROOT, file)).mtimeMs <= built);
}

function build(): void {
  const run = Bun.spawnSync([process.execPath, join(ROOT, "build", "build.ts")], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
  });
  if (!run.success) {
    console.error("Cannot start mcpd: the build failed as shown above.");
    process.exit(1);
  }
}

/**
 * An installed mcpd refuses to run as root. Whoever tries a fresh clone as root is in a container
 * or on a machine made for it, and has asked for exactly this: it runs, and says what it does.
 */
function environment(): { [name: string]: string | undefined } {
  if (process.getuid?.() !== 0 || process.env["MCPD_ALLOW_ROOT"] !== undefined) return process.env;
  console.error("Running as root, which an installed mcpd refuses: MCPD_ALLOW_ROOT=1 is set.");
  return { ...process.env, MCPD_ALLOW_ROOT: "1" };
}

/** Runs the program until it ends. A terminal's Ctrl-C reaches it without us. */
async function serve(words: readonly string[]): Promise<number> {
  const child = Bun.spawn([PROGRAM, "serve", "--foreground", ...words], {
    env: environment(),
    stdio: ["inherit", "inherit", "inherit"],
  });
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !terminal) child.kill(signal);
    });
  }
  // A program that a signal ended has 128 + its number here, as in a shell.
  return await child.exited;
}

if (!isCurrent()) build();
process.exitCode = await serve(process.argv.slice(2));
