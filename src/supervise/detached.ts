import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";

import { ensurePrivateDir } from "../lib/files.ts";
import { outlivingCommand } from "./windows-command.ts";

/**
 * A runtime that leaves no orphans ends its descendants when it exits, and itself with its parent:
 * so the program is started by nobody's child, once the shell between us is gone.
 */
const ORPHAN = '(while kill -0 $$ 2>/dev/null; do sleep 0.01; done; exec "$@") &';

export type DetachedLaunch = {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly environment: { readonly [name: string]: string | undefined };
  /** Gets what it prints on standard error. */
  readonly logFile: string;
  readonly windows: boolean;
};

/**
 * Starts a program that outlives us, and resolves with the first JSON value it prints; null when it
 * ends without one. Throws the system's error when it cannot be started.
 */
export async function startDetached(launch: DetachedLaunch): Promise<unknown> {
  ensurePrivateDir(dirname(launch.logFile));
  const log = openSync(launch.logFile, "a", 0o600);
  try {
    const child = Bun.spawn([...outliving(launch)], {
      cwd: launch.cwd,
      env: { ...launch.environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: log,
      // There, the shell in between is all it takes, and it keeps its hidden console.
      detached: !launch.windows,
      windowsHide: true,
      windowsVerbatimArguments: launch.windows,
    });
    child.unref();
    return await firstJson(child.stdout);
  } finally {
    closeSync(log);
  }
}

function outliving({ command, environment, windows }: DetachedLaunch): readonly string[] {
  if (!windows) return ["/bin/sh", "-c", ORPHAN, "sh", ...command];
  const [program = "", ...args] = command;
  const words = outlivingCommand(program, args, environment["SystemRoot"] ?? "C:\\Windows");
  if (words === null) throw new Error(`a line break is in its command: ${command.join(" ")}`);
  return words;
}

async function firstJson(output: ReadableStream<Uint8Array>): Promise<unknown> {
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of output) {
    said += decoder.decode(chunk, { stream: true });
    try {
      return JSON.parse(said);
    } catch {
      // There is more to come.
    }
  }
  return null;
}
