/**
 * What the list of tools costs a model: tokens of tools/list as clients get it from mcpd, in full,
 * with short descriptions, and in mode "search" (MISSION D6).
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";

import { isObject } from "../../src/core/envelope.ts";
import type { Lab } from "./lab.ts";
import { type CatalogTool, readCatalog, readQueries } from "./recall.ts";
import { startSubject, type Subject, writeSettings } from "./subject.ts";

/** Kinds of clients; each calls itself by its name, so that its profile applies. */
const PROFILES = {
  list: {},
  short: { description_length: 60 },
  search: { mode: "search" },
} as const;

export type TokensResult = {
  readonly what: string;
  readonly tools: number;
  /** Tokens of the list for a client in mode "list", with short descriptions, in mode "search". */
  readonly list: number;
  readonly short: number;
  readonly search: number;
  /** What one search and the description of what it found add, on average, in mode "search". */
  readonly perTool: number;
};

const SEARCHES = 40;
const LISTED_MS = 30_000;

export async function benchTokens(lab: Lab): Promise<readonly TokensResult[]> {
  if (lab.mcpd === null) return [];
  const real = await measured(lab, "server-everything, -filesystem, -memory", realServers(lab), {
    has: ["get-sum", "read_text_file", "read_graph"],
    queries: ["add two numbers", "read a file", "find a node in the graph", "list a folder"],
  });
  const catalog = readCatalog();
  const names = catalog.map(({ entry }) => String(entry["name"]));
  const own = serveCatalog(catalog);
  try {
    const queries = readQueries("unseen")
      .slice(0, SEARCHES)
      .map(({ query }) => query);
    const title = `${Object.keys(own.mcpServers).length} servers of the catalog`;
    return [real, await measured(lab, title, own.mcpServers, { has: names, queries })];
  } finally {
    own.stop();
  }
}

/** The servers from npm that the tests use too. */
export function realServers(lab: Lab): Readonly<Record<string, { readonly args: string[] }>> {
  const server = (name: string, ...words: string[]): { command: string; args: string[] } => {
    const file = `@modelcontextprotocol/server-${name}/dist/index.js`;
    return {
      command: process.execPath,
      args: ["run", Bun.resolveSync(file, import.meta.dir), ...words],
    };
  };
  const { root } = lab;
  return {
    everything: server("everything"),
    filesystem: server("filesystem", root),
    memory: server("memory"),
  };
}

async function measured(
  lab: Lab,
  what: string,
  mcpServers: Readonly<Record<string, unknown>>,
  { has, queries }: { readonly has: readonly string[]; readonly queries: readonly string[] },
): Promise<TokensResult> {
  writeSettings(lab, { mcpServers, clients: PROFILES });
  const subject = await startSubject(lab, "mcpd");
  try {
    const tools = await listed(subject, has);
    const tokens = async (name: string): Promise<number> => {
      await using open = await connect(subject, name);
      return tokensOf((await open.client.listTools()).tools);
    };
    return {
      what,
      tools,
      list: await tokens("list"),
      short: await tokens("short"),
      search: await tokens("search"),
      perTool: await tokensOfUse(subject, queries),
    };
  } finally {
    await subject.stop();
  }
}

/** Waits until all servers have said what they have; returns how many tools that is. */
async function listed(subject: Subject, has: readonly string[]): Promise<number> {
  const deadlineMs = performance.now() + LISTED_MS;
  await using open = await connect(subject, "list");
  for (;;) {
    const { tools } = await open.client.listTools();
    const names = new Set(tools.map(({ name }) => name));
    if (has.every((name) => names.has(name))) return tools.length;
    if (performance.now() > deadlineMs) throw new Error("Cannot bench: tools are missing");
    await Bun.sleep(100);
  }
}

/** Mean tokens of the answers to one search and to one look at what it found. */
async function tokensOfUse(subject: Subject, queries: readonly string[]): Promise<number> {
  await using open = await connect(subject, "search");
  let total = 0;
  for (const query of queries) {
    const found = await textOf(open.client, "search_tools", { query });
    const [name = ""] = found.split(":", 1);
    total += countTokens(found) + countTokens(await textOf(open.client, "describe_tool", { name }));
  }
  return Math.round(total / queries.length);
}

async function textOf(
  client: Client,
  name: string,
  words: Readonly<Record<string, string>>,
): Promise<string> {
  const { content } = await client.callTool({ name, arguments: { ...words } });
  const first: unknown = Array.isArray(content) ? content[0] : null;
  return isObject(first) ? String(first["text"]) : "";
}

/** As a model is given them: name, description and schema. What else there is, it never sees. */
function tokensOf(
  tools: readonly {
    readonly name: string;
    readonly description?: string | undefined;
    readonly inputSchema: unknown;
  }[],
): number {
  const seen = tools.map(({ name, description, inputSchema }) => {
    return { name, description, input_schema: inputSchema };
  });
  return countTokens(JSON.stringify(seen));
}

type Open = { readonly client: Client; [Symbol.asyncDispose](): Promise<void> };

export async function connect(subject: Subject, name: string): Promise<Open> {
  const client = new Client({ name, version: "1.0.0" });
  const requestInit = { headers: subject.headers };
  const url = new URL("/mcp", subject.url);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  return { client, [Symbol.asyncDispose]: async () => await client.close() };
}

/** The servers of the catalog, all in this process: they list their tools and do nothing. */
function serveCatalog(catalog: readonly CatalogTool[]): {
  readonly mcpServers: Readonly<Record<string, { readonly url: string }>>;
  stop(): void;
} {
  const lists = new Map<string, unknown[]>();
  for (const { server, id, entry } of catalog) {
    const tools = lists.get(server) ?? [];
    tools.push({ ...entry, name: id.slice(server.length + 1) });
    lists.set(server, tools);
  }
  const listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      if (request.method !== "POST") return new Response(null, { status: 405 });
      const { id, method } = JSON.parse(await request.text());
      if (id === undefined) return new Response(null, { status: 202 });
      const server = new URL(request.url).pathname.slice(1);
      const result = resultOf(method, server, lists.get(server) ?? []);
      const answer = result === null ? { error: { code: -32601, message: "no" } } : { result };
      return Response.json({ jsonrpc: "2.0", id, ...answer });
    },
  });
  const urls = [...lists.keys()].map((name) => [
    name,
    { url: new URL(`/${name}`, listener.url).href },
  ]);
  return { mcpServers: Object.fromEntries(urls), stop: () => void listener.stop(true) };
}

function resultOf(method: string, name: string, tools: readonly unknown[]): object | null {
  if (method === "tools/list") return { tools };
  if (method !== "initialize") return null;
  const serverInfo = { name, version: "1.0.0" };
  return { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo };
}
