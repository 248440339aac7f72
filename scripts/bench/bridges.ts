/** One client on the ways in beside HTTP: the private socket, and the bridge to it. */
import { join } from "node:path";

import { generate } from "./calls.ts";
import type { Lab } from "./lab.ts";
import { type LoadResult, openCaller, type Target } from "./load.ts";
import { type PrivateMemory, privateMemory } from "./process.ts";
import { echoCommand, startSubject, type Subject, writeConfig } from "./subject.ts";

const WAYS = ["direct", "socket", "bare bridge", "mcpd bridge"] as const;

export type BridgeWay = (typeof WAYS)[number];

export const BRIDGE_CELLS = [
  { name: "small", textLength: 100 },
  { name: "64 KiB", textLength: 64 * 1024 },
] as const;

export type BridgeRounds = {
  readonly cell: (typeof BRIDGE_CELLS)[number]["name"];
  readonly way: BridgeWay;
  readonly rounds: LoadResult[];
};

export type BridgesResult = {
  readonly measured: readonly BridgeRounds[];
  /** What a bridge takes that has carried a call and is quiet. */
  readonly memory: readonly { readonly way: BridgeWay; readonly memory: PrivateMemory }[];
};

const SETTLE_MS = 2_000;

/** Null without mcpd: there is no socket. Rounds in turns, after one that does not count. */
export async function benchBridges(
  lab: Lab,
  { rounds, durationMs }: { readonly rounds: number; readonly durationMs: number },
): Promise<BridgesResult | null> {
  if (lab.mcpd === null) return null;
  writeConfig(lab, { echo: echoCommand(lab) });
  const subject = await startSubject(lab, "mcpd");
  try {
    const measured = BRIDGE_CELLS.flatMap(({ name: cell }) =>
      WAYS.map((way): BridgeRounds => ({ cell, way, rounds: [] })),
    );
    for (let round = 0; round <= rounds; round++) {
      for (const entry of measured) {
        const result = await generate(lab, loadOf(lab, subject, entry, durationMs));
        console.error(`round ${round}: bridges: ${entry.way}, ${entry.cell}`);
        if (round > 0) entry.rounds.push(result);
      }
    }
    const memory = [];
    for (const way of ["bare bridge", "mcpd bridge"] as const) {
      memory.push({ way, memory: await quietMemory(targetOf(lab, way)) });
    }
    return { measured, memory };
  } finally {
    await subject.stop();
  }
}

function loadOf(
  lab: Lab,
  subject: Subject,
  { cell, way }: BridgeRounds,
  durationMs: number,
): Parameters<typeof generate>[1] {
  return {
    target: targetOf(lab, way),
    clients: 1,
    textLength: BRIDGE_CELLS.find(({ name }) => name === cell)?.textLength ?? 0,
    warmupMs: durationMs / 3,
    durationMs,
    callsMax: 200_000,
    watch: { proxy: subject.proxyPids(), upstream: subject.upstreamPids() },
  };
}

function targetOf(lab: Lab, way: BridgeWay): Target {
  const { environment, programs } = lab;
  const address = join(environment["XDG_RUNTIME_DIR"] ?? lab.root, "mcpd", "mcpd.sock");
  const upstream = "echo";
  switch (way) {
    case "direct":
      return { kind: "stdio", command: [...lab.proxyCore, programs.upstream] };
    case "socket":
      return { kind: "socket", address, upstream };
    case "bare bridge":
      return { kind: "stdio", command: [programs["bare-bridge"], address, upstream] };
    case "mcpd bridge": {
      const command = [lab.mcpd ?? "", "bridge", "--server", upstream];
      return { kind: "stdio", command, environment };
    }
  }
}

async function quietMemory(target: Target): Promise<PrivateMemory> {
  const caller = await openCaller(target);
  try {
    await caller.call(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }));
    await Bun.sleep(SETTLE_MS);
    return privateMemory(caller.pids);
  } finally {
    caller.close();
  }
}
