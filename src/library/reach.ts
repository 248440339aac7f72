import { ControlClient } from "../control/client.ts";
import { FaultError } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { pickPlatform } from "../platform/pick.ts";
import type { Environment, Paths } from "../platform/platform.ts";
import { openDirect } from "./direct.ts";
import { McpdError } from "./error.ts";

export type Mode = "daemon" | "direct";

export type ReachOptions = {
  /** "any" (the daemon, else direct) by default. */
  readonly mode?: Mode | "any";
  /** The executable for direct mode: by default an installed mcpd, else the one in PATH. */
  readonly program?: string;
  /** Config for direct mode instead of the user's own. */
  readonly config?: string;
  /** Where the user's mcpd is, and what servers of our own get: process.env by default. */
  readonly environment?: Environment;
  /** How often a daemon that does not answer is tried again (3). */
  readonly retries?: number;
};

/** A connection, and how it came about. */
export type Reached = {
  readonly mode: Mode;
  readonly client: ControlClient;
  /** Hangs up, and ends what was started for it. */
  close(): Promise<void>;
};

const RETRIES = 3;
const FIRST_PAUSE_MS = 100;

/**
 * Reaches the daemon, or starts servers of our own where there is none. It is tried again where
 * only a daemon will do, or `expected` says that there was one just now.
 */
export async function reach(
  options: ReachOptions,
  clock: Clock,
  expected = false,
): Promise<Reached> {
  const { mode = "any", retries = RETRIES, environment = process.env } = options;
  const paths = pathsOf(environment);
  if (mode === "direct") return await openDirect(options, environment, paths, clock);
  const tries = expected || mode === "daemon" ? retries + 1 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await openDaemon(paths);
    } catch (error) {
      const problem = McpdError.of(error);
      const last = attempt >= tries;
      if (!isUnreachable(problem) || (last && mode === "daemon")) throw problem;
      if (last) return await openDirect(options, environment, paths, clock);
    }
    await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
}

export async function runs({ environment = process.env }: ReachOptions): Promise<boolean> {
  try {
    const daemon = await openDaemon(pathsOf(environment));
    await daemon.close();
    return true;
  } catch (error) {
    if (isUnreachable(McpdError.of(error))) return false;
    throw McpdError.of(error);
  }
}

async function openDaemon({ controlAddress }: Paths): Promise<Reached> {
  const client = await ControlClient.connect(controlAddress);
  return {
    mode: "daemon",
    client,
    close: () => Promise.resolve(client.close()),
  };
}

function pathsOf(environment: Environment): Paths {
  try {
    return pickPlatform(environment).paths;
  } catch (error) {
    throw error instanceof FaultError ? McpdError.of(error) : error;
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof McpdError && error.code === "daemon.unreachable";
}
