import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { GUIDE, pages } from "../../scripts/guide.ts";
import { program, realServer } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { Daemon, Home } from "./harness.ts";

// What README.md and the guide tell people to type works as it stands there.

const CONNECTING = ".github/guide/connecting.md";
const GENERATED = [...pages().keys()].map((path) => join(relative(ROOT, GUIDE), path));
const WRITTEN = [
  "README.md",
  ...readdirSync(GUIDE)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(relative(ROOT, GUIDE), name)),
].filter((path) => !GENERATED.includes(path));
const ALL = [...WRITTEN, ...GENERATED];
/** Not for users, but their links are followed, too. */
const OTHERS = ["ARCHITECTURE", "CONTRIBUTING", "SECURITY"].map((name) => `.github/${name}.md`);

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

/** The fenced blocks of one language. */
function blocks(page: string, language: string): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm");
  return [...textOf(page).matchAll(fence)].map(([, text = ""]) => text);
}

/** The command lines of the shell blocks that run mcpd, without their comments. */
function commands(page: string): readonly string[] {
  const lines = blocks(page, "sh").flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
  return lines
    .filter((line) => /^(dist\/)?mcpd /.test(line))
    .map((line) => line.replace(/^(dist\/)?mcpd /, "").replace(/\s+#.*$/, ""));
}

/** npx would ask the network for what is a dependency of the tests. */
function wordsOf(line: string): readonly string[] {
  const { command, args } = realServer("everything");
  return (
    line
      .split(/\s+/)
      .join("\0")
      // Nobody can be asked here.
      .replace(/^setup$/, "setup\0--yes")
      .replace(/npx\0-y\0@modelcontextprotocol\/server-everything/, [command, ...args].join("\0"))
      .split("\0")
  );
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

/** The words of a page's headings as links name them. */
function anchorsOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const shells = ALL.filter((page) => commands(page).length > 0);

describe("README.md and the guide", () => {
  test.each(shells)("%s shows commands that all work, in their order", async (page) => {
    const everything = realServer("everything");
    const first = page === "README.md" ? null : { mcpServers: { everything } };
    await using daemon = await Daemon.start(first);
    const project = join(daemon.home.path, "project");
    mkdirSync(project);
    const said: string[] = [];
    for (const line of commands(page)) {
      const { exitCode, stdout, stderr } = await daemon.home.runIn(project, ...wordsOf(line));
      expect([line, exitCode, stderr.includes("Unknown")]).toEqual([line, 0, false]);
      said.push(stdout);
    }
    if (page === "README.md") expect(said.join("")).toContain("Echo: hello");
  });

  test("name commands that exist wherever they name one", async () => {
    using home = new Home();
    const today = ALL.flatMap((page) => textOf(page).split("\n")).filter(
      (line) => !line.startsWith(">"),
    );
    const named = [...today.join("\n").matchAll(/`mcpd ([a-z][a-z -]*)/g)];
    const first = named.map(([, words = ""]) => words.replace(/ --?[a-z].*/, "").trim());
    // What follows a command's own words is its argument.
    const names = new Set(
      first.map((name) => name.replace(/^((dis)?connect|import|call) .*/, "$1")),
    );
    expect(names.size).toBeGreaterThan(20);
    for (const name of names) {
      const words = name.startsWith("help") ? name.split(" ") : ["help", ...name.split(" ")];
      const { exitCode } = await home.run(...words);
      expect([name, exitCode]).toEqual([name, 0]);
    }
  });

  test.each([...ALL, ...OTHERS])("%s has links that lead somewhere", (page) => {
    const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)];
    for (const [, link = ""] of links) {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      expect([link, existsSync(join(ROOT, target))]).toEqual([link, true]);
      if (anchor !== undefined) expect(anchorsOf(target)).toContain(anchor);
    }
  });

  test.each(WRITTEN)("%s shows configs that are valid", async (page) => {
    for (const example of blocks(page, "jsonc")) {
      using home = new Home({ GITHUB_TOKEN: "secret" });
      home.writeConfig(example);
      const { exitCode, stdout, stderr } = await home.run("config", "validate");
      expect([exitCode, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("is valid");
    }
  });

  test("show client configs that connect", async () => {
    await using daemon = await Daemon.start(null);
    const examples = WRITTEN.flatMap((page) => blocks(page, "json")).map((text) =>
      JSON.parse(filledIn(text, daemon)),
    );
    expect(examples.length).toBeGreaterThan(2);
    for (const { mcpServers } of examples) await expectTools(mcpServers.mcpd, daemon);
    for (const text of WRITTEN.flatMap((page) => blocks(page, "toml"))) {
      const { mcp_servers: servers } = Bun.TOML.parse(text) as { mcp_servers: { mcpd: Entry } };
      await expectTools(servers.mcpd, daemon);
    }
  });

  const runtimes = [process.execPath, Bun.which("node")].filter((path) => path !== null);
  test.each(runtimes)("show programs for the library that run on %s", async (runtime) => {
    const scripts = WRITTEN.flatMap((page) => blocks(page, "js"));
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

  /** Runs an example beside a daemon with the server that it calls. */
  async function expectHello(command: (text: string) => string[], text: string): Promise<void> {
    await using daemon = await Daemon.start({
      mcpServers: { everything: realServer("everything") },
    });
    const example = Bun.spawn(command(filledIn(text, daemon)), {
      cwd: ROOT,
      env: daemon.home.env,
      stderr: "inherit",
    });
    expect(await new Response(example.stdout).text()).toContain("Echo: hello");
    expect(await example.exited).toBe(0);
  }

  const curl = blocks(CONNECTING, "sh").find((block) => block.startsWith("curl ")) ?? "";
  if (Bun.which("curl") !== null && process.platform !== "win32") {
    test("show a request for curl that is answered", () =>
      expectHello((text) => ["sh", "-c", text], curl));
  }

  test("show a program in TypeScript that works", () =>
    expectHello((text) => [process.execPath, "-e", text], blocks(CONNECTING, "ts")[0] ?? ""));

  const python = Bun.which("python3");
  if (python !== null) {
    test("show a program in Python that works", () =>
      expectHello((text) => [python, "-c", text], blocks(CONNECTING, "python")[0] ?? ""));
  }
});
