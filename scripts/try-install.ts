/**
 * `bun scripts/try-install.ts FOLDER` tries the install script of a release the way a user runs it,
 * from a server of this machine: a dry run, an install, a second one, an uninstall. It is for
 * machines that may be changed: it refuses without CI in the environment. `--no-service` is for
 * those without a service manager.
 */
import { existsSync } from "node:fs";

import manifest from "../package.json" with { type: "json" };
import { pickPlatform } from "../src/platform/pick.ts";
import { serveRelease } from "./serve-release.ts";

const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 250;

const { name: system, paths } = pickPlatform(process.env);

type Options = {
  readonly dryRun?: boolean;
  readonly uninstall?: boolean;
  readonly noService?: boolean;
};

/** The command line of a user, one for each shell in which they may type it. */
function lines(url: string, options: Options): readonly (readonly string[])[] {
  if (system !== "windows") {
    const words = [
      ...(options.dryRun ? ["--dry-run"] : []),
      ...(options.noService ? ["--no-service"] : []),
      ...(options.uninstall ? ["--uninstall", "--yes"] : []),
    ];
    const script = `${url}/latest/download/install.sh`;
    const get = Bun.which("curl") === null ? `wget -qO- ${script}` : `curl -fsSL ${script}`;
    return [["sh", "-c", `${get} | sh -s -- ${words.join(" ")}`]];
  }
  const words = [
    ...(options.dryRun ? ["-DryRun"] : []),
    ...(options.noService ? ["-NoService"] : []),
    ...(options.uninstall ? ["-Uninstall", "-Yes"] : []),
  ];
  const get = `irm ${url}/latest/download/install.ps1`;
  const line =
    words.length === 0 ? `${get} | iex` : `& ([scriptblock]::Create((${get}))) ${words.join(" ")}`;
  const shells = ["powershell", "pwsh"].filter((shell) => Bun.which(shell) !== null);
  const flags = ["-NoProfile", "-ExecutionPolicy", "Bypass", "-Command"];
  return shells.map((shell) => [shell, ...flags, line]);
}

/** Asynchronous, since the script asks this very process for its files. */
async function run(words: readonly string[], url: string): Promise<string> {
  const child = Bun.spawn([...words], {
    env: { ...process.env, MCPD_DOWNLOAD_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const said = `${stdout}${stderr}`.trim();
  if (exitCode === 0) return said;
  throw new Error(`'${words.join(" ")}' ended with ${exitCode}: ${said}`);
}

async function healthy(): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const status = Bun.spawnSync([paths.program, "status"], { stdin: "ignore" });
    if (status.exitCode === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`it does not answer: ${status.stdout.toString()}${status.stderr.toString()}`);
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

type Trial = readonly [name: string, body: () => Promise<void>];

/** Each later shell finds what the one before it has done, and then takes its turn. */
function trials(url: string, noService: boolean): readonly Trial[] {
  const count = lines(url, {}).length;
  return Array.from({ length: count }, (_, index): readonly Trial[] => {
    const say = async (options: Options): Promise<string> =>
      await run(lines(url, options)[index] ?? [], url);
    const shell = lines(url, {})[index]?.[0] ?? "";
    return [
      [
        `${shell}: a dry run changes nothing`,
        async () => {
          await say({ dryRun: true, noService });
          expect(!existsSync(paths.programsDir), `${paths.programsDir} is there`);
        },
      ],
      [
        `${shell}: it installs the version of this release`,
        async () => {
          await say({ noService });
          const said = await run([paths.program, "--version"], url);
          expect(said.includes(manifest.version), `it says ${said}`);
          if (!noService) await healthy();
        },
      ],
      [
        `${shell}: a second run leaves it as it is`,
        async () => {
          const said = await say({ noService });
          expect(said.includes("already installed"), said);
        },
      ],
      [
        `${shell}: it uninstalls what it installed`,
        async () => {
          await say({ uninstall: true });
          expect(!existsSync(paths.program), `${paths.program} is still there`);
        },
      ],
    ];
  }).flat();
}

async function main(words: readonly string[]): Promise<number> {
  const folder = words.find((word) => !word.startsWith("--"));
  if (folder === undefined || process.env.CI === undefined) {
    console.error(
      "Cannot try an install: it changes this user's mcpd. On a machine where it may: CI=1 bun scripts/try-install.ts FOLDER",
    );
    return 2;
  }
  const server = serveRelease(folder, 0);
  let failed = 0;
  const all = trials(`http://127.0.0.1:${server.port}`, words.includes("--no-service"));
  for (const [name, body] of all) {
    try {
      await body();
      console.log(`(pass) ${name}`);
    } catch (error) {
      failed++;
      console.log(`(fail) ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await server.stop(true);
  console.log(`${all.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
