/** The clients of `bun run interop`: how each is made to list a server's tools and call one. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  type Environment,
  type Finished,
  type Installed,
  lastLine,
  runProgram,
  Talk,
} from "./kit.ts";
import { AGENTS, AI_SDK, SDK_1, SDK_2 } from "./libraries.ts";

/** The ways to mcpd: the bridge is a command on standard streams. */
export const WIRES = ["http", "http 2026-07-28", "sse", "bridge"] as const;
export type Wire = (typeof WIRES)[number];

/** Where one wire leads: a URL, or a command. */
export type Way = {
  readonly wire: Wire;
  readonly url: string;
  readonly command: readonly [string, ...string[]];
  /** The API key, where the daemon wants one. */
  readonly key: string | null;
};

/** One client at one wire. */
export type Visit = {
  readonly way: Way;
  readonly installed: Installed;
  /** Of its own, and its working directory. */
  readonly home: string;
  readonly env: Environment;
};

export type Client = {
  readonly name: string;
  readonly package: string;
  readonly wires: readonly Wire[];
  /** Those over which it can be told to send a key. */
  readonly keyed: readonly Wire[];
  /** Resolves with what was seen to work; throws with what was said instead. */
  readonly visit: (visit: Visit) => Promise<string>;
};

/** What the tool of the server says when it is called with `hello`. */
const ECHO = "Echo: hello";
const LISTED_AND_CALLED = "tools/list, tools/call";

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
  {
    name: "Claude Code",
    package: "@anthropic-ai/claude-code",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    visit: claude,
  },
  {
    name: "Codex",
    package: "@openai/codex",
    wires: ["http", "bridge"],
    keyed: ["http"],
    visit: codex,
  },
  {
    name: "Gemini CLI",
    package: "@google/gemini-cli",
    wires: ["http", "sse", "bridge"],
    keyed: ["http", "sse"],
    visit: gemini,
  },
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

async function claude(visit: Visit): Promise<string> {
  const { way, installed } = visit;
  const kind = ["--transport", way.wire];
  const there = [...kind, "mcpd", way.url, ...headerOf(way)];
  const at = way.wire === "bridge" ? ["mcpd", "--", ...way.command] : there;
  const ask = async (...words: readonly string[]): Promise<Finished> =>
    await run(visit, [installed.bin("claude"), "mcp", ...words], {
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    });
  expectIn(await ask("add", ...at), "mcpd");
  expectIn(await ask("list"), "Connected");
  return "claude mcp add, claude mcp list";
}

async function codex(visit: Visit): Promise<string> {
  const { way, installed } = visit;
  const bearer = way.key === null ? [] : ["--bearer-token-env-var", "MCPD_KEY"];
  const env = way.key === null ? visit.env : { ...visit.env, MCPD_KEY: way.key };
  const at = way.wire === "bridge" ? ["--", ...way.command] : ["--url", way.url, ...bearer];
  expectIn(await run(visit, [installed.bin("codex"), "mcp", "add", "mcpd", ...at]), "mcpd");
  using talk = new Talk([installed.bin("codex"), "app-server"], { cwd: visit.home, env });
  await talk.request("initialize", { clientInfo: ABOUT });
  talk.notify("initialized");
  expectText(await talk.request("mcpServerStatus/list"), '"echo"');
  return "app-server: mcpServerStatus/list";
}

async function gemini(visit: Visit): Promise<string> {
  const { way, installed } = visit;
  const kind = ["--transport", way.wire];
  const there = [...kind, "mcpd", way.url, ...headerOf(way)];
  const at = way.wire === "bridge" ? ["mcpd", ...way.command] : there;
  const ask = async (...words: readonly string[]): Promise<Finished> =>
    await run(visit, [installed.bin("gemini"), "mcp", ...words], {
      GEMINI_CLI_TRUST_WORKSPACE: "true",
    });
  // Its working directory is its home, where a project has no settings of its own.
  expectIn(await ask("add", "--scope", "user", ...at), "mcpd");
  expectIn(await ask("list"), "Connected");
  return "gemini mcp add, gemini mcp list";
}

const ABOUT = { name: "mcpd-interop", title: "mcpd interop", version: "1" };

function headersOf({ key }: Way): Environment {
  return key === null ? {} : { "X-API-Key": key };
}

function headerOf({ key }: Way): readonly string[] {
  return key === null ? [] : ["--header", `X-API-Key: ${key}`];
}

function commandOf({ command: [command, ...args] }: Way): object {
  return { command, args };
}

async function run(
  { home, env }: Visit,
  command: readonly string[],
  more: Environment = {},
): Promise<Finished> {
  return await runProgram(command, { cwd: home, env: { ...env, ...more } });
}

function expectIn({ output }: Finished, wanted: string): void {
  if (!output.includes(wanted)) throw new Error(lastLine(output));
}

function expectText(value: unknown, wanted: string): void {
  const text = JSON.stringify(value);
  if (!text.includes(wanted)) throw new Error(lastLine(text));
}
