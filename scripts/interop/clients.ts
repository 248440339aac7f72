/** The clients of `bun run interop`: how each is made to list a server's tools and call one. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { CLAUDE, type Coder, CODEX, GEMINI, OPENCODE, visitOf } from "./coders.ts";
import { type Finished, Talk } from "./kit.ts";
import { AGENTS, AI_SDK, SDK_1, SDK_2 } from "./libraries.ts";
import {
  ABOUT,
  type Client,
  expectIn,
  expectText,
  headerOf,
  headersOf,
  run,
  type Visit,
  type Way,
} from "./visit.ts";

/** What the tool of the server says when it is called with `hello`. */
const ECHO = "Echo: hello";
const LISTED_AND_CALLED = "tools/list, tools/call";

export const CODERS: readonly (Omit<Client, "visit"> & { readonly coder: Coder })[] = [
  {
    name: "Claude Code",
    package: "@anthropic-ai/claude-code",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    coder: CLAUDE,
  },
  {
    name: "Codex",
    package: "@openai/codex",
    wires: ["http", "bridge"],
    keyed: ["http"],
    coder: CODEX,
  },
  {
    name: "Gemini CLI",
    package: "@google/gemini-cli",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    coder: GEMINI,
  },
  {
    name: "opencode",
    package: "opencode-ai",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    coder: OPENCODE,
  },
];

export const CLIENTS: readonly Client[] = [
  {
    name: "MCP Inspector CLI",
    package: "@modelcontextprotocol/inspector",
    wires: ["http", "http 2026-07-28", "sse", "bridge"],
    keyed: ["http", "http 2026-07-28", "sse"],
    visit: inspector,
  },
  {
    name: "MCP SDK 1",
    package: "@modelcontextprotocol/sdk",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    visit: (visit) => library(visit, SDK_1),
  },
  {
    name: "MCP SDK 2",
    package: "@modelcontextprotocol/client",
    wires: ["http", "http 2026-07-28", "sse"],
    keyed: ["http", "http 2026-07-28", "sse"],
    visit: (visit) => library(visit, SDK_2),
  },
  {
    name: "mcp-remote",
    package: "mcp-remote",
    wires: ["http", "sse"],
    keyed: ["http", "sse"],
    visit: mcpRemote,
  },
  {
    name: "mcporter",
    package: "mcporter",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    visit: mcporter,
  },
  {
    name: "AI SDK",
    package: "@ai-sdk/mcp",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    visit: (visit) => library(visit, AI_SDK),
  },
  {
    name: "OpenAI Agents",
    package: "@openai/agents",
    wires: ["http", "sse", "bridge"],
    keyed: ["http"],
    visit: (visit) => library(visit, AGENTS),
  },
  ...CODERS.map(({ coder, ...client }) => ({
    ...client,
    visit: (visit: Visit) => visitOf(coder, visit),
  })),
];

async function inspector(visit: Visit): Promise<string> {
  const { way, installed } = visit;
  const era = way.wire === "http 2026-07-28" ? ["--protocol-era", "modern"] : [];
  const kind = ["--transport", way.wire === "sse" ? "sse" : "http", "--server-url", way.url];
  const at = way.wire === "bridge" ? way.command : [...kind, ...era, ...headerOf(way)];
  const ask = async (...words: readonly string[]): Promise<Finished> =>
    await run(visit, [installed.bin("mcp-inspector"), "--cli", ...at, ...words]);
  expectIn(await ask("--method", "tools/list"), '"echo"');
  const call = ["--tool-name", "echo", "--tool-arg", "message=hello"];
  expectIn(await ask("--method", "tools/call", ...call), ECHO);
  return LISTED_AND_CALLED;
}

async function mcpRemote(visit: Visit): Promise<string> {
  const { way, installed, env } = visit;
  const only = way.wire === "sse" ? ["--transport", "sse-only"] : [];
  const words = ["--allow-http", ...only, ...headerOf(way)];
  const command = [installed.bin("mcp-remote"), way.url, ...words];
  using talk = new Talk(command, { cwd: visit.home, env });
  const about = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: ABOUT };
  await talk.request("initialize", about);
  talk.notify("notifications/initialized");
  expectText(await talk.request("tools/list"), '"echo"');
  const call = { name: "echo", arguments: { message: "hello" } };
  expectText(await talk.request("tools/call", call), ECHO);
  return LISTED_AND_CALLED;
}

async function mcporter(visit: Visit): Promise<string> {
  const { way, installed } = visit;
  const headers = headersOf(way);
  const server = way.wire === "bridge" ? commandOf(way) : { baseUrl: way.url, headers };
  const config = join(visit.home, "mcporter.json");
  writeFileSync(config, JSON.stringify({ mcpServers: { mcpd: server } }));
  const ask = async (...words: readonly string[]): Promise<Finished> =>
    await run(visit, [installed.bin("mcporter"), "--config", config, ...words]);
  expectIn(await ask("list", "mcpd"), "echo");
  expectIn(await ask("call", "mcpd.echo", "message=hello"), ECHO);
  return LISTED_AND_CALLED;
}

/** Runs a program that uses a library: it gets the way as JSON and prints what it saw. */
async function library(visit: Visit, code: string): Promise<string> {
  const file = join(visit.installed.folder, "visit.mjs");
  writeFileSync(file, code);
  const way = { ...visit.way, headers: headersOf(visit.way) };
  const done = await run(visit, ["node", file, JSON.stringify(way)]);
  expectIn(done, '"echo"');
  expectIn(done, ECHO);
  return LISTED_AND_CALLED;
}

function commandOf({ command: [command, ...args] }: Way): object {
  return { command, args };
}
