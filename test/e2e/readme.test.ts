import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { realServer } from "../helpers/program.ts";
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
    .filter((line) => line.startsWith("mcpd "))
    .map((line) => line.replace(/^mcpd /, "").replace(/\s+#.*$/, ""));
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

  test("shows a client config that connects", async () => {
    await using daemon = await Daemon.start(null);
    const { port } = new URL(daemon.origin);
    const examples = blocks("json").map((text) =>
      JSON.parse(text.replaceAll("PORT", port).replaceAll("KEY", daemon.key)),
    );
    expect(examples.length).toBeGreaterThan(0);
    for (const { mcpServers } of examples) {
      const { url, headers } = mcpServers.mcpd;
      const client = new Client({ name: "readme", version: "1.0.0" });
      const transport = new StreamableHTTPClientTransport(new URL(url), {
        requestInit: { headers },
      });
      await client.connect(transport);
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain("list_upstreams");
      await client.close();
    }
  });
});
