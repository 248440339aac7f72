/** Private memory of a server that does nothing, and with sessions that do nothing. */
import { openSession } from "./caller.ts";
import { connectHttp } from "./http.ts";
import type { Lab } from "./lab.ts";
import { type PrivateMemory, privateMemory } from "./process.ts";
import {
  echoCommand,
  freePort,
  startSubject,
  type Subject,
  type SubjectName,
  writeConfig,
  writeSettings,
} from "./subject.ts";

export type MemoryResult = {
  readonly name: SubjectName;
  readonly processes: number;
  readonly idle: PrivateMemory;
  readonly steps: readonly { readonly sessions: number; readonly memory: PrivateMemory }[];
};

const SETTLE_MS = 1500;
/** It gives back what its start took once nothing has happened for a while. */
const BOOTSTRAP_SETTLE_MS = 20_000;

/** Opens sessions up to each count in turn, over one connection and without a GET stream. */
export async function benchMemory(lab: Lab, counts: readonly number[]): Promise<MemoryResult[]> {
  writeConfig(lab, { echo: echoCommand(lab) });
  const names: readonly SubjectName[] = lab.mcpd === null ? ["relay"] : ["relay", "mcpd"];
  const results: MemoryResult[] = [];
  for (const name of names) {
    results.push(await measure(await startSubject(lab, name), counts, SETTLE_MS));
  }
  return results;
}

/** The idle server together with the bootstrap that keeps it. Nothing without mcpd. */
export async function benchServiceMemory(lab: Lab): Promise<MemoryResult[]> {
  if (lab.mcpd === null) return [];
  const port = freePort();
  const [command, ...args] = echoCommand(lab);
  writeSettings(lab, { daemon: { port }, mcpServers: { echo: { command, args } } });
  const subject = await startSubject(lab, "mcpd bootstrap", port);
  return [await measure(subject, [], BOOTSTRAP_SETTLE_MS)];
}

async function measure(
  subject: Subject,
  counts: readonly number[],
  settleMs: number,
): Promise<MemoryResult> {
  const { name } = subject;
  try {
    await Bun.sleep(settleMs);
    const idle = privateMemory(subject.proxyPids());
    const { hostname, port } = new URL(subject.url);
    const connection = await connectHttp(hostname, Number(port));
    const steps: { sessions: number; memory: PrivateMemory }[] = [];
    let open = 0;
    for (const sessions of counts) {
      for (; open < sessions; open++) await openSession(connection, subject.url, subject.headers);
      await Bun.sleep(SETTLE_MS);
      steps.push({ sessions, memory: privateMemory(subject.proxyPids()) });
    }
    connection.close();
    return { name, processes: subject.proxyPids().length, idle, steps };
  } finally {
    await subject.stop();
  }
}
