import { describe, expect, test } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { program, realServer } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { Daemon, Home } from "./harness.ts";

// What README.md tells people to type works as it stands there.

const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** The fenced blocks of one language. */
function blocks(language: string): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm");
  return [...README.matchAll(fence)].map(([, text = ""]) => text);
}

/** The command lines of the shell blocks that run mcpd, without their comments. */
function commands(): readonly string[] {
  const lines = blocks("sh").flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
  return lines
    .filter((line) => /^(dist\/)?mcpd /.test(line))
    .map((line) => line.replace(/^(dist\/)?mcpd /, "").replace(/\s+#.*$/, ""));
}

/** npx would ask the network for what is a dependency of the tests. */
function wordsOf(line: string): readonly string[] {
  const { command, args } = realServer("everything");
  return line
    .split(/\s+/)
    .join("\0")
    .replace(/npx\0-y\0@modelcontextprotocol\/server-everything/, [command, ...args].join("\0"))
    .split("\0");
}

/** A block with the words in it that stand for something. */
function filledIn(text: string, daemon: Daemon): string {
  return text
    .replaceAll("$(mcpd show-key)", daemon.key)
    .replaceAll("/path/to/project", daemon.home.path.replaceAll("\\", "/"))
    .replaceAll("PORT", new URL(daemon.origin).port)
    .replaceAll("KEY", daemon.key);
}

/** What a client is told about mcpd. */
type Entry = { readonly command: string; readonly args: string[] };
type Told = Entry | { readonly url: string; readonly headers: Record<string, string> };

async function expectTools(told: Told, daemon: Daemon): Promise<void> {
  const transport =
    "url" in told
      ? new StreamableHTTPClientTransport(new URL(told.url), {
          requestInit: { headers: told.headers },
        })
      : new StdioClientTransport({ ...told, command: program(), env: { ...daemon.home.env } });
  const client = new Client({ name: "readme", version: "1.0.0" });
  await client.connect(transport);
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain("list_upstreams");
  await client.close();
}

describe("README.md", () => {
  test("shows commands that all work, in their order", async () => {
    await using daemon = await Daemon.start(null);
    const lines = commands();
    expect(lines.length).toBeGreaterThan(3);
    const said: string[] = [];
    for (const line of lines) {
      const { exitCode, stdout, stderr } = await daemon.run(...wordsOf(line));
      expect([line, exitCode, stderr.includes("Unknown")]).toEqual([line, 0, false]);
      said.push(stdout);
    }
    expect(said.join("")).toContain("Echo: hello");
  });

  test("names commands that exist wherever it names one", async () => {
    using home = new Home();
    const today = README.split("\n").filter((line) => !line.startsWith(">"));
    const named = [...today.join("\n").matchAll(/`mcpd ([a-z][a-z -]*)/g)];
    const names = new Set(named.map(([, words = ""]) => words.trim()));
    expect(names.size).toBeGreaterThan(5);
    for (const name of names) {
      const words = name.startsWith("help") ? name.split(" ") : ["help", ...name.split(" ")];
      const { exitCode } = await home.run(...words);
      expect([name, exitCode]).toEqual([name, 0]);
    }
  });

  test("shows configs that are valid", async () => {
    const examples = blocks("jsonc");
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      using home = new Home({ GITHUB_TOKEN: "secret" });
      home.writeConfig(example);
      const { exitCode, stdout, stderr } = await home.run("config", "validate");
      expect([exitCode, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("is valid");
    }
  });

  test("shows client configs that connect", async () => {
    await using daemon = await Daemon.start(null);
    const examples = blocks("json").map((text) => JSON.parse(filledIn(text, daemon)));
    expect(examples.length).toBeGreaterThan(1);
    for (const { mcpServers } of examples) await expectTools(mcpServers.mcpd, daemon);
    for (const text of blocks("toml")) {
      const { mcp_servers: servers } = Bun.TOML.parse(text) as { mcp_servers: { mcpd: Entry } };
      await expectTools(servers.mcpd, daemon);
    }
  });

  const scripts = blocks("js");
  const runtimes = [process.execPath, Bun.which("node")].filter((path) => path !== null);
  test.each(runtimes)("shows programs for the library that run on %s", async (runtime) => {
    const everything = realServer("everything");
    await using daemon = await Daemon.start({ mcpServers: { everything } });
    expect(scripts.length).toBeGreaterThan(0);
    const { directory, env, path } = daemon.home;
    const library = join("node_modules", "mcpd");
    cpSync(join(ROOT, "dist", "package"), directory.file(library), { recursive: true });
    for (const script of scripts) {
      writeFileSync(directory.file("script.mjs"), script);
      const child = Bun.spawn([runtime, "script.mjs"], { cwd: path, env, stderr: "inherit" });
      const said = await new Response(child.stdout).text();
      expect([await child.exited, said]).toEqual([0, expect.stringContaining("Echo: hello")]);
      expect(said).toContain("true true");
      expect(said).toContain("/a: expected number, got string");
    }
  });

  const curl = blocks("sh").find((block) => block.startsWith("curl "));
  if (Bun.which("curl") !== null && process.platform !== "win32") {
    test("shows a request for curl that is answered", async () => {
      const everything = realServer("everything");
      await using daemon = await Daemon.start({ mcpServers: { everything } });
      const command = filledIn(curl ?? "", daemon);
      const shell = Bun.spawn(["sh", "-c", command], { env: daemon.home.env, stderr: "inherit" });
      expect(await new Response(shell.stdout).text()).toContain("Echo: hello");
    });
  }
});
