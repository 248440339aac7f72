/**
 * `bun run smoke:wine` starts the executable for Windows under Wine 10 or later (Debian 13: wine,
 * wine64): commands with and without a daemon, servers through its named pipe, one of them a batch
 * file, a daemon in the background, an install and its end. It builds the executable when it is
 * missing. Wine's schtasks says yes to every question and its PowerShell says nothing, so the
 * service is not tried: a stand-in that knows no task takes the place of the first.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import manifest from "../package.json" with { type: "json" };
import {
  type Foreign,
  inHome,
  programOf,
  says,
  serves,
  type Trial,
  tryAll,
  UNAVAILABLE,
} from "./smoke/foreign.ts";

const ROOT = dirname(import.meta.dir);
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 200;
/** What cmd.exe would take apart, were it not quoted. */
const HOSTILE = 'a "b" %PATH% & whoami > x | ^y !z!';

/** A program for Windows of one file of TypeScript. */
async function compileTo(outfile: string, source: string): Promise<void> {
  await Bun.build({
    entrypoints: [source],
    compile: { target: "bun-windows-x64", outfile },
    throw: true,
  });
}

/** The disk of a machine: a server, a batch file that starts it, and a config with both. */
async function furnish(disk: string, local: string): Promise<void> {
  const servers = join(disk, "mit Leerzeichen");
  const configDir = join(local, "mcpd", "config");
  for (const folder of [servers, configDir]) mkdirSync(folder, { recursive: true });
  const echo = join(ROOT, "test", "fixtures", "servers", "echo.ts");
  await compileTo(join(servers, "echo.exe"), echo);
  writeFileSync(join(servers, "shim.cmd"), '@echo off\r\n"%~dp0echo.exe" %*\r\n');
  const source = join(servers, "schtasks.ts");
  writeFileSync(source, "process.exit(1);\n");
  const standIn = join(servers, "schtasks.exe");
  await compileTo(standIn, source);
  copyFileSync(standIn, join(disk, "windows", "system32", "schtasks.exe"));
  const at = (file: string): string => `C:\\mit Leerzeichen\\${file}`;
  const mcpServers = {
    echo: { command: at("echo.exe") },
    shim: { command: at("shim.cmd"), args: [`--name=${HOSTILE}`] },
  };
  writeFileSync(join(configDir, "mcpd.config.json"), JSON.stringify({ mcpServers }));
}

/** Null once nothing is left of the installed copy, which cannot remove itself while it runs. */
async function leavesNothing(local: string): Promise<string | null> {
  const folders = [join(local, "Programs", "mcpd"), join(local, "mcpd")];
  const left = (): readonly string[] => [
    ...folders.filter(existsSync),
    ...readdirSync(join(local, "Temp")).filter((name) => /^mcpd-.*\.old$/.test(name)),
  ];
  const deadline = performance.now() + PATIENCE_MS;
  while (left().length > 0 && performance.now() < deadline) await Bun.sleep(LOOK_EVERY_MS);
  return left().length === 0 ? null : `left behind: ${left().join(", ")}`;
}

function trials(built: Foreign, local: string): readonly Trial[] {
  const installed = join(local, "Programs", "mcpd", "bin", "mcpd.exe");
  const copy: Foreign = { ...built, words: [built.words[0] ?? "", installed] };
  const servers = (): string | null =>
    says(built, ["status"], 0, "healthy") ??
    says(built, ["call", "echo", "add", "a=40", "b=2"], 0, "42") ??
    says(built, ["call", "shim", "echo", `text=${HOSTILE}`], 0, HOSTILE) ??
    says(built, ["servers"], 0, HOSTILE);
  const background = (): string | null =>
    says(built, ["start"], 0, "is running") ??
    servers() ??
    says(built, ["stop"], 0, "stopped") ??
    says(built, ["status"], UNAVAILABLE, "not running");
  const install = (): string | null =>
    says(built, ["install", "--no-service"], 0, "is installed") ??
    says(copy, ["--version"], 0, manifest.version);
  return [
    ["version", () => says(built, ["--version"], 0, manifest.version)],
    ["status without a daemon", () => says(built, ["status"], UNAVAILABLE, "not running")],
    ["a definition for Task Scheduler", () => says(built, ["daemon", "template"], 0, "<Task ")],
    ["a daemon, its pipe, a server and a batch file", () => serves(built, null, servers)],
    ["a daemon that outlives the command that started it", background],
    ["an install", install],
    ["an install over it", install],
    [
      "an uninstall by the copy itself",
      async () =>
        says(copy, ["uninstall", "--purge", "--yes"], 0, "") ?? (await leavesNothing(local)),
    ],
  ];
}

async function main(): Promise<number> {
  const wine = Bun.which("wine");
  if (wine === null) {
    console.error("Cannot start it: wine is missing. See the top of scripts/smoke-wine.ts.");
    return 1;
  }
  const program = programOf("windows-x64", "mcpd.exe");
  if (program === null) return 1;
  return await inHome(async (home) => {
    const prefix = join(home, "prefix");
    const env = {
      PATH: process.env.PATH ?? "",
      HOME: home,
      XDG_RUNTIME_DIR: home,
      WINEPREFIX: prefix,
      WINEDEBUG: "-all",
      // No .NET and no browser; and not its own of the one that we bring.
      WINEDLLOVERRIDES: "mscoree,mshtml=;schtasks.exe=n",
      DISPLAY: "",
      MCPD_ALLOW_ROOT: "1",
      NO_COLOR: "1",
    };
    const disk = join(prefix, "drive_c");
    try {
      Bun.spawnSync([wine, "wineboot", "--init"], { env, stdio: ["ignore", "ignore", "ignore"] });
      const user = readdirSync(join(disk, "users")).find((name) => name !== "Public") ?? "";
      const local = join(disk, "users", user, "AppData", "Local");
      await furnish(disk, local);
      return await tryAll(trials({ words: [wine, program], env }, local));
    } finally {
      Bun.spawnSync(["wineserver", "--kill"], { env });
      Bun.spawnSync(["wineserver", "--wait"], { env });
    }
  });
}

process.exitCode = await main();
