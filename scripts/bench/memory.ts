/** Private memory of a server that does nothing, and with sessions that do nothing. */
import { openSession } from "./caller.ts";
import { connectHttp } from "./http.ts";
import type { Lab } from "./lab.ts";
import { type PrivateMemory, privateMemory } from "./process.ts";
import { echoCommand, startSubject, type SubjectName, writeConfig } from "./subject.ts";

export type MemoryResult = {
  readonly name: SubjectName;
  readonly processes: number;
  readonly idle: PrivateMemory;
  readonly steps: readonly { readonly sessions: number; readonly memory: PrivateMemory }[];
};

const SETTLE_MS = 1500;

/** Opens sessions up to each count in turn, over one connection and without a GET stream. */
export async function benchMemory(lab: Lab, counts: readonly number[]): Promise<MemoryResult[]> {
  writeConfig(lab, { echo: echoCommand(lab) });
  const names: readonly SubjectName[] = lab.mcpd === null ? ["relay"] : ["relay", "mcpd"];
  const results: MemoryResult[] = [];
  for (const name of names) results.push(await measure(lab, name, counts));
  return results;
}

async function measure(
  lab: Lab,
  name: SubjectName,
  counts: readonly number[],
): Promise<MemoryResult> {
  const subject = await startSubject(lab, name);
  try {
    await Bun.sleep(SETTLE_MS);
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
