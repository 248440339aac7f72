import type { Entry } from "../clients/client.ts";
import { type Cost, costOutside, costUnder } from "../clients/measure.ts";
import { FaultError } from "../core/fault.ts";
import { formatBytes } from "../lib/text.ts";
import { ownProcesses } from "../platform/processes.ts";
import type { ClientContext } from "./client-context.ts";
import { ANSWER_MS, withDaemon } from "./here.ts";

/** What the servers cost right now. */
export type Costs = {
  /** Started by the clients themselves, each its own. */
  readonly clients: Cost;
  /** The daemon with all it runs; null when there is none. */
  readonly mcpd: Cost | null;
};

/** Measures; null where the system does not say what runs. */
export async function measure(
  { config, where }: ClientContext,
  entries: readonly Entry[],
): Promise<Costs | null> {
  const processes = await ownProcesses(config.platform.name, where.environment);
  if (processes === null) return null;
  const pid = await daemonPid();
  return {
    clients: costOutside(processes, entries),
    mcpd: pid === null ? null : costUnder(processes, pid),
  };
}

/** "12 processes, 812 MB in the clients; 3 processes, 40 MB in mcpd". */
export function shownCosts({ clients, mcpd }: Costs): string {
  const ofMcpd = mcpd === null ? "mcpd does not run" : `${shown(mcpd)} in mcpd`;
  return `${shown(clients)} in the clients; ${ofMcpd}`;
}

function shown({ processes, residentBytes }: Cost): string {
  const word = processes === 1 ? "process" : "processes";
  return `${processes} ${word}, ${formatBytes(residentBytes)}`;
}

async function daemonPid(): Promise<number | null> {
  try {
    return await withDaemon(async (daemon) => {
      return (await daemon.request("mcpd/status", {}, { timeoutMs: ANSWER_MS })).pid;
    });
  } catch (error) {
    if (error instanceof FaultError) return null;
    throw error;
  }
}
