import { resolve } from "node:path";

import { ControlClient, type ControlPort } from "../control/client.ts";
import { type FaultCode, FaultError } from "../core/fault.ts";
import type { Arguments } from "./command.ts";
import { ANSWER_MS, here } from "./here.ts";
import type { Output } from "./output.ts";

/** The switch of every command that can do without a daemon. */
export const DAEMON_ARGUMENT = {
  daemon: {
    type: "boolean",
    default: true,
    description: "Use the daemon",
    negativeDescription: "Start what is needed for this command alone, and end it afterwards",
  },
} as const satisfies Arguments;

/** Whom a command asks, and with which config when it has to start something. */
export type Need = {
  readonly daemon: boolean;
  readonly config: string | undefined;
};

/** `signal` is aborted by Ctrl-C and by whoever ends us: what is under way is to be given up. */
export type Question<T> = (servers: ControlPort, signal: AbortSignal) => Promise<T>;

/**
 * Asks the daemon that runs. Without one it is started if the config lets it, else the servers are
 * run in this process until the answer is there (MISSION C1).
 */
export async function ask<T>(need: Need, output: Output, question: Question<T>): Promise<T> {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait for what there is to tidy up.
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort();
    });
  }
  const daemon = need.daemon ? await running(need.config) : null;
  if (daemon === null) {
    // Only who finds no daemon has to know the config, and maybe the whole server.
    const { askWithoutDaemon } = await import("./direct.ts");
    return await askWithoutDaemon(need, output, question, interrupt.signal);
  }
  try {
    return await question(daemon, interrupt.signal);
  } catch (error) {
    // One that is disabled runs nothing: the command does without, as if there was none.
    if (!hasCode(error, "daemon.disabled")) throw error;
    const { askAlone } = await import("./direct.ts");
    return await askAlone(need.config, question, interrupt.signal);
  } finally {
    daemon.close();
  }
}

/** A connection to the daemon; null when there is none, or when it runs with another config. */
async function running(config: string | undefined): Promise<ControlClient | null> {
  const daemon = await ControlClient.connect(here().paths.controlAddress).catch(asNone);
  if (daemon === null || config === undefined) return daemon;
  const status = await daemon.request("mcpd/status", {}, { timeoutMs: ANSWER_MS });
  if (status.config.path === resolve(config)) return daemon;
  daemon.close();
  return null;
}

function asNone(error: unknown): null {
  if (hasCode(error, "daemon.unreachable")) return null;
  throw error;
}

function hasCode(error: unknown, code: FaultCode): boolean {
  return error instanceof FaultError && error.fault.code === code;
}
