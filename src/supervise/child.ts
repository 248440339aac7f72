import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { reasonOf } from "../lib/files.ts";
import type { Platform } from "../platform/platform.ts";
import { environmentValue, type Launch } from "./environment.ts";
import { batchCommand, isBatchFile } from "./windows-command.ts";

/** How patient a stop is; the whole of it stays below what service managers grant (20 s). */
export type StopPolicy = {
  /** After its input is closed: good servers leave by themselves. */
  readonly closeMs: number;
  /** After the request to terminate. */
  readonly terminateMs: number;
  /** After the kill; what is left then is stuck in the kernel. */
  readonly killMs: number;
};

export const STOP_POLICY: StopPolicy = { closeMs: 500, terminateMs: 3000, killMs: 2000 };

const POLL_FIRST_MS = 5;
const POLL_MAX_MS = 100;

/** How a process ended. Exactly one is recorded: the first that became known. */
export type Exit =
  | { readonly kind: "stopped" }
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string };

type Pipes = Bun.Subprocess<"pipe", "pipe", "pipe">;

export type ChildDeps = {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly stop: StopPolicy;
};

/**
 * Starts a program without a shell, in a process group of its own, with exactly the environment
 * given. A fault names what is missing: the command and the PATH searched, or the directory.
 */
export function spawnChild(launch: Launch, deps: ChildDeps): Child | Fault {
  const { upstream, cwd } = launch;
  if (!isDirectory(cwd)) {
    const text = `Cannot start upstream "${upstream}": its directory ${cwd} does not exist`;
    return fault("upstream.no-directory", text, upstream, { cwd });
  }
  const argv = commandLine(launch, deps.platform);
  if ("kind" in argv) return argv;
  try {
    const process = Bun.spawn([...argv.words], {
      cwd,
      env: { ...launch.env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      // Nothing is read ahead, so that the system holds a flooding child back.
      lazy: true,
      // A group of its own, for signals. On Windows it would take the hidden console away, and what
      // a batch file such as npx.cmd starts would open a window.
      detached: deps.platform.name !== "windows",
      windowsHide: true,
      windowsVerbatimArguments: argv.verbatim,
    });
    return new Child(process, deps);
  } catch (error) {
    const state = `${argv.words[0]} cannot be run: ${reasonOf(error)}`;
    const text = `Cannot start upstream "${upstream}": ${state}`;
    return fault("upstream.failed", text, upstream, { command: launch.command });
  }
}

/** One process and all it has started. */
export class Child {
  readonly pid: number;
  readonly stdin: Bun.FileSink;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Resolves once the process and its whole group are gone. */
  readonly gone: Promise<Exit>;
  readonly #process: Pipes;
  readonly #deps: ChildDeps;
  #stopping: Promise<void> | null = null;
  #exit: Exit | null = null;

  constructor(process: Pipes, deps: ChildDeps) {
    this.#process = process;
    this.#deps = deps;
    this.pid = process.pid;
    this.stdin = process.stdin;
    this.stdout = process.stdout;
    this.stderr = process.stderr;
    this.gone = this.#watch();
  }

  /** False once the process itself is known to be gone. */
  alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Ends the whole group: input closed, TERM, KILL. Resolves when nothing is left of it. */
  async stop(): Promise<Exit> {
    if (this.alive()) this.#exit ??= { kind: "stopped" };
    this.#stopping ??= this.#end(this.#deps.stop.closeMs);
    await this.#stopping;
    return this.gone;
  }

  async #watch(): Promise<Exit> {
    await this.#process.exited;
    const { exitCode, signalCode } = this.#process;
    this.#exit ??=
      signalCode === null
        ? { kind: "exited", code: exitCode ?? 0 }
        : { kind: "killed", signal: String(signalCode) };
    // Helpers that outlive it (npx -> node) are of no use to anyone.
    this.#stopping ??= this.#end(0);
    await this.#stopping;
    return this.#exit;
  }

  async #end(closeMs: number): Promise<void> {
    const { platform, stop } = this.#deps;
    this.#endInput();
    if (await this.#groupGone(closeMs)) return;
    await platform.signalTree(this.pid, "terminate");
    if (await this.#groupGone(stop.terminateMs)) return;
    await platform.signalTree(this.pid, "kill");
    await this.#groupGone(stop.killMs);
  }

  /** Not waited for: a process that has stopped reading never lets what is queued through. */
  #endInput(): void {
    try {
      Promise.resolve(this.#process.stdin.end()).catch(() => undefined);
    } catch {
      // Its end is closed already.
    }
  }

  /** Waits for the group; systems tell only about children, so the rest of it is looked for. */
  async #groupGone(withinMs: number): Promise<boolean> {
    const { clock, platform } = this.#deps;
    let leftMs = withinMs;
    for (let pollMs = POLL_FIRST_MS; ; pollMs = Math.min(POLL_MAX_MS, pollMs * 2)) {
      if (!this.alive() && !platform.treeAlive(this.pid)) return true;
      if (leftMs <= 0) return false;
      const pause = clock.sleep(Math.min(pollMs, leftMs));
      leftMs -= pollMs;
      await (this.alive() ? Promise.race([this.#process.exited, pause]) : pause);
    }
  }
}

type CommandLine = { readonly words: readonly string[]; readonly verbatim: boolean };

function commandLine(launch: Launch, platform: Platform): CommandLine | Fault {
  const { upstream, command, args, cwd } = launch;
  const path = environmentValue(launch.env, "PATH");
  // A command with a directory in it is meant from the working directory, as in a shell.
  const wanted = /[/\\]/.test(command) && !isAbsolute(command) ? resolve(cwd, command) : command;
  const program = platform.which(wanted, path);
  if (program === null) {
    const where =
      wanted === command && !isAbsolute(command) ? `is not in PATH (${path})` : "is not there";
    const text = `Cannot start upstream "${upstream}": command "${command}" ${where}`;
    return fault("upstream.not-found", text, upstream, { command, path });
  }
  if (platform.name !== "windows" || !isBatchFile(program)) {
    return { words: [program, ...args], verbatim: false };
  }
  const words = batchCommand(
    program,
    args,
    environmentValue(launch.env, "SystemRoot") || "C:\\Windows",
  );
  if (words !== null) return { words, verbatim: true };
  const state = "an argument of a batch file holds a line break";
  return fault("upstream.failed", `Cannot start upstream "${upstream}": ${state}`, upstream);
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
