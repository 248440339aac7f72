// Runs a TypeScript file of this project with the Bun it was written for, on a machine that may have
// only Node with npm, or only Bun: `node scripts/with-bun.mjs scripts/start.ts [arguments]`.
// Plain JavaScript without dependencies, because it runs before anything is installed.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const windows = process.platform === "win32";
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const version = manifest.engines.bun;

/** Ends the run with a sentence: what failed, colon, the state, what to do. */
function fail(text) {
  console.error(`mcpd: ${text}`);
  process.exit(1);
}

function versionOf(bun) {
  const asked = spawnSync(bun, ["--version"], { encoding: "utf8", windowsHide: true });
  return asked.status === 0 ? asked.stdout.trim() : null;
}

function onPath() {
  const file = windows ? "bun.exe" : "bun";
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, file));
}

/** Where npm leaves the executable: its postinstall may be blocked, the platform's package is not. */
function inTool() {
  const modules = join(root, ".tool", "node_modules");
  const file = windows ? "bun.exe" : "bun";
  const system = windows ? "windows" : process.platform;
  const builds = [`${system}-${process.arch === "arm64" ? "aarch64" : "x64"}`];
  if (process.platform === "linux") builds.push(`${builds[0]}-musl`);
  return [
    ...builds.map((build) => join(modules, "@oven", `bun-${build}`, "bin", file)),
    join(modules, "bun", "bin", "bun.exe"),
  ];
}

function find() {
  const self = process.versions.bun === undefined ? [] : [process.execPath];
  const candidates = [...self, ...inTool(), ...onPath()].filter((path) => existsSync(path));
  return candidates.find((path) => versionOf(path) === version);
}

function run(command, words, where) {
  return spawnSync(command, words, { cwd: where, stdio: ["ignore", 2, 2], shell: windows });
}

/** Asks npm for the right Bun, and a Bun of another version where there is no npm. */
function fetchBun() {
  const tool = join(root, ".tool");
  mkdirSync(tool, { recursive: true });
  writeFileSync(join(tool, "package.json"), "{}");
  const npm = ["install", "--no-audit", "--no-fund", "--loglevel=error", `bun@${version}`];
  const first = run("npm", [...npm, "--prefix", tool], root);
  // A shell answers 127 (or 1 on Windows) where a direct start says ENOENT.
  if (first.error?.code !== "ENOENT") return first.status === 0;
  const other = [process.execPath, ...onPath()].find((path) => versionOf(path)?.startsWith("1."));
  if (other !== undefined)
    return run(other, ["add", "--exact", `bun@${version}`], tool).status === 0;
  return fail(
    `cannot install Bun ${version}: there is no npm here. ` +
      `Install Bun ${version} (https://bun.com) or Node with npm, then run this again.`,
  );
}

function install() {
  console.error(`mcpd: installing Bun ${version} into .tool/ (once)`);
  const fetched = fetchBun();
  return (
    find() ??
    fail(
      `cannot install Bun ${version}: ${fetched ? "it does not run here" : "the download failed"}. ` +
        "Check that the machine is online and npm reaches its registry, then run this again.",
    )
  );
}

function needsModules() {
  const modules = join(root, "node_modules");
  const stamp = join(modules, ".mcpd-installed");
  if (!existsSync(stamp)) return true;
  return statSync(join(root, "bun.lock")).mtimeMs > statSync(stamp).mtimeMs;
}

function installModules(bun) {
  console.error("mcpd: installing the dependencies");
  const done = spawnSync(bun, ["install", "--frozen-lockfile"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (done.status !== 0) {
    fail(
      "cannot install the dependencies: 'bun install --frozen-lockfile' failed as shown above. " +
        "Check that the machine is online, then run this again.",
    );
  }
  writeFileSync(join(root, "node_modules", ".mcpd-installed"), "");
}

const [script, ...words] = process.argv.slice(2);
if (script === undefined)
  fail("nothing to run: name a script, as in 'with-bun.mjs scripts/test.ts'.");

const bun = find() ?? install();
if (needsModules()) installModules(bun);

const path = [dirname(bun), process.env.PATH ?? ""].join(delimiter);
const child = spawn(bun, [join(root, script), ...words], {
  stdio: "inherit",
  env: { ...process.env, PATH: path },
});
// A terminal sends Ctrl-C to both; others signal this process alone, so it is passed on. The child
// decides when it is over.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    if (signal !== "SIGINT" || !terminal) child.kill(signal);
  });
}
// npm runs us through a shell, and a shell that is ended does not tell its children: notice it.
if (process.env.npm_lifecycle_event !== undefined && !windows) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, 250);
}
child.on("error", (error) => fail(`cannot run ${bun}: ${error.message}.`));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
