import { dirname } from "node:path";

import type { Clock } from "../lib/clock.ts";
import { ensurePrivateDir, readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import type { Log } from "../lib/log.ts";
import { until } from "../lib/until.ts";
import type { Platform } from "../platform/platform.ts";

/** Names the instance in the environment of every process of its group. */
export const MARKER_VARIABLE = "MCPD_INSTANCE";

export type LedgerEntry = {
  /** The leader of the group. */
  readonly pid: number;
  /** Start time as the platform tells it: differs when the pid is used again. */
  readonly identity: string;
  readonly upstream: string;
  /** Value of MARKER_VARIABLE: proves that a group without its leader is ours. */
  readonly marker: string;
};

/** What a leftover gets to leave in order: its input has ended long ago. */
const PATIENCE_MS = 1000;
const KILL_MS = 2000;
const POLL_MS = 20;

/**
 * The processes we have started, on disk, so that the next daemon can end what an unclean death of
 * this one leaves behind. Only the one daemon of the user may use the file; without one (null) the
 * list is in memory alone.
 */
export class Ledger {
  readonly #path: string | null;
  readonly #platform: Platform;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Map<number, LedgerEntry>();

  constructor(path: string | null, platform: Platform, clock: Clock, log: Log) {
    this.#path = path;
    this.#platform = platform;
    this.#clock = clock;
    this.#log = log;
  }

  /** Notes a process that has just been started; without effect when it is gone already. */
  async add(pid: number, upstream: string, marker: string): Promise<void> {
    const identity = await this.#platform.processIdentity(pid);
    if (identity === null) return;
    this.#entries.set(pid, { pid, identity, upstream, marker });
    this.#save();
  }

  remove(pid: number): void {
    if (this.#entries.delete(pid)) this.#save();
  }

  /**
   * Ends what is left of an earlier daemon and returns how many groups that were. A process counts
   * as ours only by its start time, a group without its leader only by the marker: a pid that
   * somebody else uses by now is never touched. Each gets `patienceMs` (1 s) between TERM and KILL.
   */
  async sweep(patienceMs: number = PATIENCE_MS): Promise<number> {
    const left = await Promise.all(
      this.#load().map(async (entry) => ((await this.#isOurs(entry)) ? entry : null)),
    );
    const ours = left.filter((entry) => entry !== null);
    for (const { upstream, pid } of ours) {
      this.#log.warning("ending a process that an earlier mcpd left behind", { upstream, pid });
    }
    await Promise.all(ours.map((entry) => this.#end(entry, patienceMs)));
    this.#save();
    return ours.length;
  }

  /** Ends what we have started ourselves, without asking whoever looks after it. */
  async endAll(patienceMs: number = PATIENCE_MS): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#end(entry, patienceMs)));
  }

  async #isOurs(entry: LedgerEntry): Promise<boolean> {
    const identity = await this.#platform.processIdentity(entry.pid);
    if (identity !== null) return identity === entry.identity;
    if (!this.#platform.treeAlive(entry.pid)) return false;
    return this.#platform.groupCarries(entry.pid, MARKER_VARIABLE, entry.marker);
  }

  async #end(entry: LedgerEntry, patienceMs: number): Promise<void> {
    await this.#platform.signalTree(entry.pid, "terminate");
    if (await this.#gone(entry.pid, patienceMs)) return;
    await this.#platform.signalTree(entry.pid, "kill");
    await this.#gone(entry.pid, KILL_MS);
  }

  #gone(pid: number, patienceMs: number): Promise<boolean> {
    const probe = (): boolean => !this.#platform.treeAlive(pid);
    return until(this.#clock, { patienceMs, pollMs: POLL_MS }, probe);
  }

  #load(): readonly LedgerEntry[] {
    if (this.#path === null) return [];
    try {
      const rows: unknown = JSON.parse(readIfExists(this.#path) ?? "[]");
      return Array.isArray(rows) ? rows.filter(isEntry) : [];
    } catch (error) {
      this.#log.warning(`cannot read the ledger of processes: ${reasonOf(error)}`);
      return [];
    }
  }

  #save(): void {
    if (this.#path === null) return;
    try {
      ensurePrivateDir(dirname(this.#path));
      // Processes do not survive a power cut either.
      const text = JSON.stringify([...this.#entries.values()]);
      writeFileAtomic(this.#path, text, { durable: false });
    } catch (error) {
      this.#log.warning(`cannot write the ledger of processes: ${reasonOf(error)}`);
    }
  }
}

function isEntry(value: unknown): value is LedgerEntry {
  if (typeof value !== "object" || value === null) return false;
  const row = value as Partial<Record<keyof LedgerEntry, unknown>>;
  return (
    Number.isInteger(row.pid) &&
    Number(row.pid) > 1 &&
    typeof row.identity === "string" &&
    typeof row.upstream === "string" &&
    typeof row.marker === "string"
  );
}
