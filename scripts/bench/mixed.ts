/**
 * Eight official SDK clients on one server-everything through mcpd: every answer of a long mix of
 * requests must be the one that a server of one's own gave, and there must be one such process.
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

import { canonicalJson } from "../../src/lib/hash.ts";
import type { Lab } from "./lab.ts";
import { commandLineOf } from "./process.ts";
import { startSubject, type Subject, writeConfig } from "./subject.ts";

export type MixedResult = {
  readonly calls: number;
  readonly clients: number;
  readonly wrong: number;
  readonly firstWrong: string | null;
  /** The most that were seen at once. */
  readonly upstreamProcesses: number;
  readonly elapsedMs: number;
};

type Step = { readonly what: string; readonly run: (client: Client, call: number) => unknown };

const SERVER = "@modelcontextprotocol/server-everything";
const IN_FLIGHT_PER_CLIENT = 4;
/** Some of its resources tell the time they were made at. */
const TIME = /\d{1,2}:\d\d:\d\d( [AP]M)?/g;

/** Answers differ with the number of the call wherever the server lets them. */
const STEPS: readonly Step[] = [
  { what: "echo", run: (client, call) => tool(client, "echo", { message: `call ${call}` }) },
  { what: "get-sum", run: (client, call) => tool(client, "get-sum", { a: call, b: 0.5 }) },
  { what: "args-prompt", run: (client, call) => prompt(client, "args-prompt", `City ${call}`) },
  { what: "resource", run: (client, call) => client.readResource({ uri: dynamicUri(call) }) },
  { what: "ping", run: (client) => client.ping() },
  { what: "completion", run: (client, call) => complete(client, "ESMX".charAt(call % 4)) },
  { what: "unknown tool", run: (client, call) => tool(client, `no-such-tool-${call}`, {}) },
  { what: "tools/list", run: (client) => client.listTools() },
  { what: "prompts/list", run: (client) => client.listPrompts() },
  { what: "resources/list", run: (client) => client.listResources() },
  { what: "templates/list", run: (client) => client.listResourceTemplates() },
];

/** Makes `calls` requests directly first, then the same ones spread over the clients. */
export async function benchMixed(
  lab: Lab,
  clients: number,
  calls: number,
): Promise<MixedResult | null> {
  if (lab.mcpd === null) return null;
  const script = Bun.resolveSync(`${SERVER}/dist/index.js`, import.meta.dir);
  const command = [process.execPath, script, "stdio"];
  const expected = await answersOfDirect(lab, command, calls);
  writeConfig(lab, { everything: [...lab.loadCore, ...command] });
  const subject = await startSubject(lab, "mcpd");
  try {
    return await compare(subject, script, clients, expected);
  } finally {
    await subject.stop();
  }
}

async function compare(
  subject: Subject,
  script: string,
  clients: number,
  expected: readonly string[],
): Promise<MixedResult> {
  const url = new URL("/mcp/everything", subject.url);
  const requestInit = { headers: subject.headers };
  const open = await Promise.all(
    Array.from({ length: clients }, () =>
      connect(new StreamableHTTPClientTransport(url, { requestInit })),
    ),
  );
  let upstreamProcesses = 0;
  const startMs = performance.now();
  const answers = await answersOf(open, expected.length, () => {
    const pids = subject.upstreamPids().filter((pid) => commandLineOf(pid).includes(script));
    upstreamProcesses = Math.max(upstreamProcesses, pids.length);
  });
  const elapsedMs = performance.now() - startMs;
  await Promise.all(open.map((client) => client.close()));
  const wrong = expected.flatMap((text, call) => difference(call, answers[call] ?? "", text) ?? []);
  return {
    calls: expected.length,
    clients,
    wrong: wrong.length,
    firstWrong: wrong[0] ?? null,
    upstreamProcesses,
    elapsedMs,
  };
}

async function answersOfDirect(
  lab: Lab,
  [command = "", ...args]: readonly string[],
  calls: number,
): Promise<string[]> {
  const env = { ...lab.environment };
  const transport = new StdioClientTransport({ command, args, env, stderr: "ignore" });
  const client = await connect(transport);
  const answers = await answersOf([client], calls, () => {});
  await client.close();
  return answers;
}

/** Spreads the calls over the clients, several in flight each; looks on every 1,000 calls. */
async function answersOf(
  clients: readonly Client[],
  calls: number,
  look: () => void,
): Promise<string[]> {
  const answers: string[] = [];
  let next = 0;
  async function work(client: Client): Promise<void> {
    for (let call = next++; call < calls; call = next++) {
      answers[call] = await answerOf(client, call);
      if (call % 1000 === 0) look();
    }
  }
  const workers = clients.flatMap((client) => Array(IN_FLIGHT_PER_CLIENT).fill(client));
  await Promise.all(workers.map(work));
  return answers;
}

async function connect(
  transport: StdioClientTransport | StreamableHTTPClientTransport,
): Promise<Client> {
  // What mcpd tells servers that clients can do: this one offers more tools to such clients.
  const capabilities = { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } };
  const client = new Client({ name: "bench", version: "1.0.0" }, { capabilities });
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }));
  await client.connect(transport);
  return client;
}

/** The answer as text that can be compared; an error is an answer too. */
async function answerOf(client: Client, call: number): Promise<string> {
  const step = STEPS[call % STEPS.length];
  try {
    return canonicalJson((await step?.run(client, call)) ?? null).replace(TIME, "TIME");
  } catch (error) {
    return String(error);
  }
}

/** Where two answers part, or null when they are the same. */
function difference(call: number, got: string, expected: string): string | null {
  if (got === expected) return null;
  let at = 0;
  while (at < expected.length && got[at] === expected[at]) at++;
  const part = (text: string): string => text.slice(Math.max(0, at - 80), at + 120);
  const what = STEPS[call % STEPS.length]?.what ?? "";
  return `${what} (call ${call}) at ${at}: got ...${part(got)}, expected ...${part(expected)}`;
}

function tool(client: Client, name: string, args: Record<string, unknown>): Promise<unknown> {
  return client.callTool({ name, arguments: args });
}

function prompt(client: Client, name: string, city: string): Promise<unknown> {
  return client.getPrompt({ name, arguments: { city, state: "Texas" } });
}

function complete(client: Client, value: string): Promise<unknown> {
  return client.complete({
    ref: { type: "ref/prompt", name: "completable-prompt" },
    argument: { name: "department", value },
  });
}

function dynamicUri(call: number): string {
  return `demo://resource/dynamic/text/${call + 1}`;
}
