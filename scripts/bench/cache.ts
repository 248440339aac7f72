/**
 * A session of repeated reads as coding agents make them, through mcpd on two servers from npm: how
 * often it is answered with what is kept, and how long either takes (MISSION D5).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Client } from "@modelcontextprotocol/sdk/client/index.js";

import type { Lab } from "./lab.ts";
import { quantile } from "./statistics.ts";
import { startSubject, writeSettings } from "./subject.ts";
import { connect, realServers } from "./tokens.ts";

export type CacheResult = {
  readonly clients: number;
  readonly calls: number;
  /** Reads that mcpd counted: answered with what is kept, or with another's answer; and sent on. */
  readonly hits: number;
  readonly misses: number;
  readonly cachedP50Ms: number;
  readonly cachedP99Ms: number;
  readonly uncachedP50Ms: number;
  readonly uncachedP99Ms: number;
};

const CLIENTS = 4;
/** How often a client goes over what it has read: after each step of its work. */
const ROUNDS = 12;
const FILES = ["readme.md", "main.ts", "parse.ts", "write.ts", "types.ts", "main.test.ts"];

type Step = { readonly tool: string; readonly input: Readonly<Record<string, unknown>> };

/** What one client does in one round: it looks around, reads, asks its memory, and may change. */
function stepsOf(folder: string, client: number, round: number): readonly Step[] {
  const path = (name: string): string => join(folder, name);
  // Not every file each time: those next to the one that is worked on.
  const read = FILES.filter((_, index) => (index + round + client) % 3 !== 0);
  const steps: Step[] = [
    { tool: "list_directory", input: { path: folder } },
    ...read.map((name) => ({ tool: "read_text_file", input: { path: path(name) } })),
    { tool: "search_files", input: { path: folder, pattern: "*.ts" } },
    { tool: "search_nodes", input: { query: "style" } },
    { tool: "open_nodes", input: { names: ["project"] } },
  ];
  const writes = client === 0 && round % 4 === 3;
  const content = `// round ${round}\n`;
  if (writes) steps.push({ tool: "write_file", input: { path: path("main.ts"), content } });
  return steps;
}

export async function benchCache(lab: Lab): Promise<CacheResult | null> {
  if (lab.mcpd === null) return null;
  const folder = join(lab.root, "project");
  mkdirSync(folder, { recursive: true });
  for (const name of FILES) writeFileSync(join(folder, name), `// ${name}\n`.repeat(200));
  const { filesystem, memory } = realServers(lab);
  const reads = { "read_*": 300, "list_*": 300, "search_*": 300, "open_*": 300 };
  const cache = { tools: reads, forget_on: ["write_*", "edit_*", "create_*", "add_*", "move_*"] };
  writeSettings(lab, {
    mcpServers: { filesystem: { ...filesystem, cache }, memory: { ...memory, cache } },
  });
  const subject = await startSubject(lab, "mcpd");
  const all = await Promise.all(
    Array.from({ length: CLIENTS }, (_, client) => connect(subject, `agent-${client}`)),
  );
  try {
    const clients = all.map(({ client }) => client);
    const times = await play(clients, folder);
    const counted = await countedBy(subject.url, subject.headers);
    return { clients: CLIENTS, ...times, ...counted };
  } finally {
    for (const one of all) await one[Symbol.asyncDispose]();
    await subject.stop();
  }
}

type Times = Omit<CacheResult, "clients" | "hits" | "misses">;

/** The clients take turns, so that it is known which reads were asked before. */
async function play(clients: readonly Client[], folder: string): Promise<Times> {
  const known = new Set<string>();
  const cachedMs: number[] = [];
  const uncachedMs: number[] = [];
  let calls = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, client] of clients.entries()) {
      for (const { tool, input } of stepsOf(folder, at, round)) {
        const startMs = performance.now();
        const { isError } = await client.callTool({ name: tool, arguments: { ...input } });
        const takenMs = performance.now() - startMs;
        if (isError === true) throw new Error(`Cannot bench: ${tool} failed`);
        calls += 1;
        const key = JSON.stringify([tool, input]);
        (known.has(key) ? cachedMs : uncachedMs).push(takenMs);
        known.add(key);
        // A change makes the reads of its server forgotten: those of files.
        if (tool === "write_file")
          for (const one of known) if (one.includes(folder)) known.delete(one);
      }
    }
  }
  return {
    calls,
    cachedP50Ms: quantile(cachedMs, 0.5),
    cachedP99Ms: quantile(cachedMs, 0.99),
    uncachedP50Ms: quantile(uncachedMs, 0.5),
    uncachedP99Ms: quantile(uncachedMs, 0.99),
  };
}

async function countedBy(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly hits: number; readonly misses: number }> {
  const response = await fetch(new URL("/metrics", url), { headers });
  const { cache_hits: hits, cache_shared: shared, cache_misses: misses } = await response.json();
  return { hits: hits + (shared ?? 0), misses };
}
