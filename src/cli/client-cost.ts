import type { Entry } from "../clients/client.ts";
import { runByClients, runByMcpd } from "../clients/measure.ts";
import { systemClock } from "../lib/clock.ts";
import { formatBytes } from "../lib/text.ts";
import { until } from "../lib/until.ts";
import { environmentOf } from "../platform/environment-of.ts";
import { pickPlatform } from "../platform/pick.ts";
import type { Platform } from "../platform/platform.ts";
import { ownProcesses, proportionalBytes, type RunningProcess } from "../platform/processes.ts";
import type { ClientContext } from "./client-context.ts";
import { daemonStatus, orNull } from "./here.ts";

/** Servers that take longer to start are counted as they are. */
const START_MS = 10_000;
const POLL_MS = 100;

type Cost = { readonly processes: number; readonly memoryBytes: number };

/** What the servers cost right now. */
export type Costs = {
  /** How memory that processes share counts: once among them, or in each. */
  readonly sharedMemory: "once" | "in each";
  /** Started by the clients themselves, each its own. */
  readonly clients: Cost;
  /** The daemon with all it runs, and the bridges of clients; null when there are none. */
  readonly mcpd: Cost | null;
};

/** Measures; null where the system does not say what runs. */
export async function measure(
  { config, where }: ClientContext,
  entries: readonly Entry[],
): Promise<Costs | null> {
  const processes = await ownProcesses(config.platform.name, where.environment);
  if (processes === null) return null;
  const status = await orNull(daemonStatus());
  const mcpd = runByMcpd(processes, status?.pid ?? null, ({ pid }) => isOurs(pid, config.platform));
  return {
    sharedMemory: proportionalBytes(process.pid) === null ? "in each" : "once",
    clients: costOf(runByClients(processes, entries)),
    mcpd: mcpd.length === 0 ? null : costOf(mcpd),
  };
}

/** A user may have several daemons, by HOME; true where the system does not say. */
function isOurs(bridge: number, { name, paths }: Platform): boolean {
  const environment = environmentOf(bridge, name);
  if (environment === null) return true;
  try {
    return pickPlatform(environment).paths.controlAddress === paths.controlAddress;
  } catch {
    // No place for a socket is left there.
    return false;
  }
}

function costOf(processes: readonly RunningProcess[]): Cost {
  // One may have ended since it was listed, or be closed to us.
  const sizes = processes.map(({ pid, residentBytes }) => proportionalBytes(pid) ?? residentBytes);
  return { processes: processes.length, memoryBytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Waits for the servers that a daemon, if there is one, has just begun to start. */
export async function serversStarted(): Promise<void> {
  await until(systemClock, { patienceMs: START_MS, pollMs: POLL_MS }, async () => {
    const status = await orNull(daemonStatus());
    return status?.upstreams.some(({ state }) => state === "starting") !== true;
  });
}

/** "12 processes, 812 MB in the clients; mcpd does not run (shared memory counted once)". */
export function shownCosts({ clients, mcpd, sharedMemory }: Costs): string {
  const ofMcpd = mcpd === null ? "mcpd does not run" : `${shown(mcpd)} in mcpd`;
  return `${shown(clients)} in the clients; ${ofMcpd} (shared memory counted ${sharedMemory})`;
}

function shown({ processes, memoryBytes }: Cost): string {
  const word = processes === 1 ? "process" : "processes";
  return `${processes} ${word}, ${formatBytes(memoryBytes)}`;
}
