/** mcpd beside the bare relay and the peers from the registry: one upstream, rounds in turns. */
import { tmpdir } from "node:os";
import { join } from "node:path";

import { within } from "../../test/helpers/wait.ts";
import { Store } from "../interop/kit.ts";
import type { Caller } from "./caller.ts";
import { generate } from "./calls.ts";
import { type Contender, ownContender, peerContender } from "./contender.ts";
import { benchHousehold, type HouseholdRow } from "./household.ts";
import type { Lab } from "./lab.ts";
import { type LoadResult, openCaller } from "./load.ts";
import { PEERS } from "./peers.ts";
import { groupBytes } from "./process.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { echoCommand, writeConfig } from "./subject.ts";

const CELLS = [
  { name: "1 session", clients: 1, textLength: 100 },
  { name: "10 sessions", clients: 10, textLength: 100 },
  { name: "100 sessions", clients: 100, textLength: 100 },
  { name: "10 sessions, 64 KiB", clients: 10, textLength: 64 * 1024 },
] as const;

const STARTS = 3;
const IDLE_SESSIONS = 100;
const SETTLE_MS = 1_500;
/** Opening so many sessions, each perhaps a process. */
const OPEN_MS = 60_000;

export type ContestCell = {
  readonly name: string;
  readonly rounds: readonly LoadResult[];
  /** Why there are none. */
  readonly problem: string | null;
};

export type ContestRow = {
  readonly name: string;
  readonly version: string;
  /** Why nothing was measured. */
  readonly problem: string | null;
  readonly startMs: Spread | null;
  readonly memory: {
    /** PSS of all its processes and of the upstream's, in bytes. */
    readonly idleBytes: number;
    readonly perSessionBytes: number;
    readonly processes: number;
  } | null;
  readonly cells: readonly ContestCell[];
};

export type ContestOptions = { readonly rounds: number; readonly durationMs: number };

type Entry = {
  readonly contender: Contender;
  readonly startsMs: number[];
  memory: ContestRow["memory"];
  readonly cells: readonly {
    readonly name: string;
    rounds: LoadResult[];
    problem: string | null;
  }[];
};

/** Installs the peers, outside the project and for the next run as well, and measures them all. */
export async function benchPeers(lab: Lab, options: ContestOptions): Promise<ContestRow[]> {
  return await benchRows(lab, await openStore(), options);
}

/** The household with mcpd and the relay, with the peers as well when they are wanted. */
export async function benchHouseholds(lab: Lab, peersToo: boolean): Promise<HouseholdRow[]> {
  return await benchHousehold(lab, await openStore(), peersToo);
}

async function openStore(): Promise<Store> {
  const store = new Store(process.env["MCPD_PEERS_DIR"] ?? join(tmpdir(), "mcpd-peers"));
  await store.prepare();
  return store;
}

async function benchRows(lab: Lab, store: Store, options: ContestOptions): Promise<ContestRow[]> {
  writeConfig(lab, { echo: echoCommand(lab) });
  const entries: Entry[] = [];
  const absent: ContestRow[] = [];
  try {
    for (const found of await contenders(lab, store)) {
      const entry = "problem" in found ? found : await begin(found);
      if ("problem" in entry) absent.push(entry);
      else entries.push(entry);
    }
    for (const entry of entries) await measureOne(entry);
    for (let round = 1; round <= options.rounds; round++) {
      for (const [at, cell] of CELLS.entries()) {
        for (const entry of entries) await measureCell(lab, entry, at, cell, options.durationMs);
      }
    }
    return [...entries.map(rowOf), ...absent];
  } finally {
    for (const { contender } of entries) await contender.stop();
  }
}

async function contenders(lab: Lab, store: Store): Promise<(Contender | ContestRow)[]> {
  const found: (Contender | ContestRow)[] = [ownContender(lab, "relay")];
  if (lab.mcpd !== null) found.push(ownContender(lab, "mcpd"));
  for (const peer of PEERS) {
    console.error(`peers: ${peer.package}`);
    const installed = await store.install(peer.package);
    if (typeof installed === "string") found.push(absentRow(peer.name, "", installed));
    else found.push(peerContender(lab, peer, installed, store.environment));
  }
  return found;
}

/** Starts it some times; the last one stays. A row says why it does not start. */
async function begin(contender: Contender): Promise<Entry | ContestRow> {
  const startsMs: number[] = [];
  try {
    // The first start writes keys and caches, and finds cold pages.
    for (let start = 0; start <= STARTS; start++) {
      const takenMs = await contender.start();
      if (start > 0) startsMs.push(takenMs);
      if (start < STARTS) await contender.stop();
    }
  } catch (error) {
    await contender.stop();
    const why = error instanceof Error ? error.message : String(error);
    return absentRow(contender.name, contender.version, `does not start: ${why}`);
  }
  const cells = CELLS.map(({ name }) => ({ name, rounds: [], problem: null }));
  return { contender, startsMs, memory: null, cells };
}

/** What is measured while nobody else does anything. */
async function measureOne(entry: Entry): Promise<void> {
  const { contender } = entry;
  console.error(`peers: ${contender.name}, memory`);
  const takesBytes = (): number =>
    groupBytes([...contender.proxyPids(), ...contender.upstreamPids()]);
  await Bun.sleep(SETTLE_MS);
  const idleBytes = takesBytes();
  const processes = contender.proxyPids().length;
  const callers: Caller[] = [];
  const opening = Array.from({ length: IDLE_SESSIONS }, async () => {
    callers.push(await openCaller(contender.target, true));
  });
  const opened = await within("opening sessions", Promise.all(opening), OPEN_MS).catch(() => null);
  await Bun.sleep(SETTLE_MS);
  const perSessionBytes = opened === null ? Number.NaN : (takesBytes() - idleBytes) / IDLE_SESSIONS;
  for (const caller of callers) caller.close();
  entry.memory = { idleBytes, perSessionBytes, processes };
}

async function measureCell(
  lab: Lab,
  { contender, cells }: Entry,
  at: number,
  { name, clients, textLength }: (typeof CELLS)[number],
  durationMs: number,
): Promise<void> {
  const cell = cells[at];
  if (cell === undefined || cell.problem !== null) return;
  try {
    const result = await generate(lab, {
      target: contender.target,
      prefix: contender.prefix,
      ends: true,
      clients,
      textLength,
      warmupMs: durationMs / 3,
      durationMs,
      callsMax: 200_000,
      watch: { proxy: contender.proxyPids(), upstream: contender.upstreamPids() },
    });
    cell.rounds.push(result);
    const rate = Math.round(result.callsPerSecond);
    console.error(`peers: ${name}, ${contender.name}: ${rate}/s, ${result.errors} wrong`);
    if (result.errors > 0) cell.problem = result.firstError;
  } catch (error) {
    cell.problem = error instanceof Error ? error.message : String(error);
  }
}

function rowOf({ contender, startsMs, memory, cells }: Entry): ContestRow {
  const { name, version } = contender;
  return { name, version, problem: null, startMs: spreadOf(startsMs), memory, cells };
}

function absentRow(name: string, version: string, problem: string): ContestRow {
  return { name, version, problem, startMs: null, memory: null, cells: [] };
}
