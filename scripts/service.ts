/**
 * `bun run service` installs dist/mcpd for the user who runs it, with the real service manager of
 * this system, and takes it away again: a start, a crash, a second install over the running one, a
 * stop, an uninstall. It is for machines that may be changed: it refuses without CI in the
 * environment. A system without its service manager is a failure. On Windows, what crashed comes
 * back with the next beat of the task, up to five minutes later: `--heartbeat` waits for it.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { pickPlatform } from "../src/platform/pick.ts";

const ROOT = dirname(import.meta.dir);
const LABEL = "dev.mcpd.daemon";
const UNIT = "mcpd.service";
const PATIENCE_MS = 60_000;
const HEARTBEAT_MS = 7 * 60_000;
const LOOK_EVERY_MS = 250;

const { name: system, paths } = pickPlatform(process.env);
const BUILT = join(ROOT, "dist", system === "windows" ? "mcpd.exe" : "mcpd");

type Result = { readonly code: number; readonly text: string };

function run(...words: readonly string[]): Result {
  const env = { ...process.env, NO_COLOR: "1" };
  const done = Bun.spawnSync([...words], { env, stdin: "ignore", timeout: PATIENCE_MS * 2 });
  return { code: done.exitCode, text: `${done.stdout.toString()}${done.stderr.toString()}`.trim() };
}

/** Runs what must end with 0. */
function must(...words: readonly string[]): string {
  const { code, text } = run(...words);
  if (code !== 0) throw new Error(`'${words.join(" ")}' ended with ${code}: ${text}`);
  return text;
}

async function until(what: string, probe: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!probe()) {
    if (performance.now() > deadline) {
      throw new Error(
        `${what}: not within ${patienceMs / 1000} s. ${run(paths.program, "status").text}`,
      );
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

function healthy(): boolean {
  return existsSync(paths.program) && run(paths.program, "status").code === 0;
}

function taskName(): string {
  const sid = /S-1-[0-9-]+/.exec(must("whoami", "/user", "/fo", "csv", "/nh"))?.[0] ?? "";
  return `mcpd-${sid}`;
}

function domain(): string {
  return `gui/${process.getuid?.() ?? ""}`;
}

/** The manager answers at all. */
function hasManager(): void {
  if (system === "linux") must("systemctl", "--user", "show-environment");
  else if (system === "darwin") must("launchctl", "print", domain());
  else must("schtasks", "/Query");
}

/** Asked of the manager itself, not of us. */
function isRegistered(): boolean {
  if (system === "linux") return run("systemctl", "--user", "is-enabled", UNIT).code === 0;
  if (system === "darwin") return run("launchctl", "print", `${domain()}/${LABEL}`).code === 0;
  return run("schtasks", "/Query", "/TN", taskName()).code === 0;
}

/** The process the manager keeps; null when there is none. */
function mainPid(): number | null {
  const found =
    system === "linux"
      ? /^(\d+)$/m.exec(run("systemctl", "--user", "show", UNIT, "-p", "MainPID", "--value").text)
      : system === "darwin"
        ? /^\s*pid = (\d+)/m.exec(run("launchctl", "print", `${domain()}/${LABEL}`).text)
        : /^"mcpdw\.exe","(\d+)"/m.exec(
            run("tasklist", "/FI", "IMAGENAME eq mcpdw.exe", "/FO", "CSV", "/NH").text,
          );
  const pid = Number(found?.[1] ?? 0);
  return pid === 0 ? null : pid;
}

async function comesBack(): Promise<void> {
  const before = mainPid();
  if (before === null) throw new Error("the service has no process");
  // The bootstrap and its server have one name there, and either would be mended by the other.
  if (system === "windows") must("taskkill", "/F", "/IM", "mcpdw.exe");
  else process.kill(before, "SIGKILL");
  const isAnother = (): boolean => ![null, before].includes(mainPid()) && healthy();
  const patience = system === "windows" ? HEARTBEAT_MS : PATIENCE_MS;
  await until("the service came back after a crash", isAnother, patience);
}

async function staysStopped(): Promise<void> {
  must(paths.program, "daemon", "stop");
  await until("the daemon has ended", () => !healthy());
  // Longer than any manager waits before it starts again what it believes to have crashed.
  await Bun.sleep(15_000);
  if (healthy()) throw new Error("it was started again");
  must(paths.program, "daemon", "start");
  await until("the daemon answers", healthy);
}

function leavesNothing(): void {
  must(paths.program, "uninstall", "--purge", "--yes");
  if (isRegistered()) throw new Error("the service manager still knows it");
  const left = [paths.programsDir, paths.configDir, paths.stateDir].filter((path) =>
    existsSync(path),
  );
  if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
}

type Trial = readonly [name: string, body: () => void | Promise<void>];

function trials(heartbeat: boolean): readonly Trial[] {
  const install = async (): Promise<void> => {
    must(BUILT, "install");
    await until("the daemon answers", healthy);
    if (!isRegistered()) throw new Error("the service manager does not know it");
  };
  const crash: Trial = ["a crash of it is mended", comesBack];
  return [
    ["the service manager is there", hasManager],
    ["an install ends in a daemon that answers", install],
    ...(system !== "windows" || heartbeat ? [crash] : []),
    ["a second install over the running one does too", install],
    ["what is stopped stays stopped until it is started", staysStopped],
    ["an uninstall leaves nothing", leavesNothing],
  ];
}

async function main(words: readonly string[]): Promise<number> {
  if (process.env.CI === undefined) {
    console.error(
      "Cannot try the service here: it changes this user's mcpd. Set CI=1 to allow it.",
    );
    return 2;
  }
  let passed = 0;
  let failed = 0;
  for (const [name, body] of trials(words.includes("--heartbeat"))) {
    try {
      await body();
      passed++;
      console.log(`(pass) ${name}`);
    } catch (error) {
      failed++;
      console.log(`(fail) ${name}: ${error instanceof Error ? error.message : String(error)}`);
      // Without a manager, nothing that follows means anything.
      if (name === "the service manager is there") break;
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
