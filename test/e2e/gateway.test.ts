import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { freePort } from "../helpers/port.ts";
import { posixTest } from "../helpers/posix.ts";
import { fixture, processesOf, program } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";

const ECHO = { echo: fixture("echo.ts") };
const CLIENT = join(ROOT, "test", "fixtures", "process", "headless-client.ts");
/** The client under a name that says nothing, with the placeholder. */
const ANY = [process.execPath, "run", CLIENT, "--mcp-config", "{config}"];

describe("mcpd gateway", () => {
  test("runs a client that finds mcpd, and passes on output and exit code", async () => {
    await using daemon = await Daemon.start({ mcpServers: ECHO });
    const words = ["gateway", "--", ...ANY, "-p", "hello", "--exit=7"];
    const { stdout, stderr, exitCode } = await daemon.run(...words);
    expect([JSON.parse(stdout), stderr, exitCode]).toEqual([
      { answer: [{ type: "text", text: "hello" }] },
      "",
      7,
    ]);
    const whole = await daemon.run("gateway", "--json", "--", ...ANY, "-p", "hi");
    expect([JSON.parse(whole.stdout), whole.exitCode]).toEqual([
      {
        client: [...ANY, "-p", "hi"],
        exitCode: 0,
        timedOut: false,
        durationMs: expect.any(Number),
        output: { answer: [{ type: "text", text: "hi" }] },
      },
      0,
    ]);
  });

  test("--no-daemon gives the client servers of its own", async () => {
    using home = new Home();
    home.writeConfig({ daemon: { auto_start: false }, mcpServers: ECHO });
    const { stdout, exitCode } = await home.run("gateway", "--no-daemon", "--", ...ANY, "-p", "hi");
    expect([JSON.parse(stdout).answer[0].text, exitCode]).toEqual(["hi", 0]);
    await waitFor("nobody to be left", () => processesOf(home.path).length === 0);
  });

  test("the config holds no key, is the user's alone, and is gone afterwards", async () => {
    await using daemon = await Daemon.start({ mcpServers: ECHO });
    const words = ["gateway", "--server", "echo", "--", ...ANY, "--print-config"];
    const { file, config } = JSON.parse((await daemon.run(...words)).stdout);
    expect(config.mcpServers.mcpd).toMatchObject({
      command: program(),
      args: ["bridge", "--server", "echo", "--project", daemon.home.path],
    });
    expect(JSON.stringify(config)).not.toContain(daemon.key);
    expect(existsSync(dirname(file))).toBe(false);
  });

  test("what cannot be run is refused before anything is written", async () => {
    using home = new Home();
    const cases: readonly (readonly [words: string, code: number, said: string])[] = [
      ["gateway", 2, "CLIENT"],
      ["gateway -- some-client -p hello", 2, "put {config} where its path belongs"],
      ["gateway -- no-such-client {config}", 69, "there is no such program"],
      ["gateway --timeout soon -- claude", 2, "--timeout must be seconds"],
      ["gateway --no-daemon --server echo -- claude", 2, "--server needs the daemon"],
      ["gateway --server ehco -- claude", 66, 'no upstream "ehco"'],
    ];
    for (const [words, code, said] of cases) {
      const { exitCode, stderr } = await home.run(...words.split(" "));
      expect([words, exitCode, stderr]).toEqual([words, code, expect.stringContaining(said)]);
    }
  });

  /** A program of that name which is the headless client, first in PATH. */
  function pretender(home: Home, name: string): { readonly PATH: string } {
    const folder = home.directory.file("bin");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" run "${CLIENT}" "$@"\n`);
    chmodSync(path, 0o755);
    return { PATH: `${folder}:${home.env["PATH"]}` };
  }

  async function told(name: string): Promise<{ file: string; words: string[]; config: object }> {
    using home = new Home();
    const child = Bun.spawn([program(), "gateway", "--", name, "--print-config", "-p", "x"], {
      cwd: home.path,
      env: { ...home.env, ...pretender(home, name) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    return JSON.parse(await new Response(child.stdout).text());
  }

  posixTest("gives each client it knows the config in that client's way", async () => {
    const claude = await told("claude");
    const given = ["--mcp-config", claude.file, "--strict-mcp-config"];
    expect(claude.words).toEqual([...given, "--print-config", "-p", "x"]);
    const gemini = await told("gemini");
    expect(gemini.words).toEqual(["--print-config", "-p", "x"]);
    expect(gemini.config).toHaveProperty("mcpServers.mcpd.command", program());
  });

  posixTest("a client that takes too long is ended, and a signal ends it too", async () => {
    using home = new Home();
    const words = ["gateway", "--timeout", "0.5", "--json", "--", ...ANY];
    const slow = await home.run(...words, "--hang");
    expect(slow.exitCode).toBe(124);
    const { timedOut, output } = JSON.parse(slow.stdout);
    expect([timedOut, existsSync(dirname(output.trim()))]).toEqual([true, false]);

    const child = Bun.spawn([program(), "gateway", "--", ...ANY, "--hang"], {
      cwd: home.path,
      env: { ...home.env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const reader = child.stdout.getReader();
    const file = new TextDecoder().decode((await reader.read()).value).trim();
    expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([
      0o600, 0o700,
    ]);
    child.kill("SIGTERM");
    expect(await within("the end", child.exited)).toBe(143);
    expect(existsSync(dirname(file))).toBe(false);
    await waitFor("nobody to be left", () => processesOf(home.path).length === 0);
  });
});

describe("mcpd client-config", () => {
  test("prints configs that connect, over HTTP and by a command", async () => {
    const port = freePort();
    await using daemon = await Daemon.start({ daemon: { port }, mcpServers: ECHO }, { port });
    const printed = async (...words: readonly string[]): Promise<unknown> => {
      const { stdout, exitCode } = await daemon.run("client-config", ...words, "-q");
      expect(exitCode).toBe(0);
      return JSON.parse(stdout);
    };
    type Http = { readonly url: string; readonly headers: Record<string, string> };
    type Printed<T> = { readonly mcpServers: { readonly [name: string]: T } };
    const all = (await printed()) as Printed<Http>;
    const one = (await printed("--server", "echo")) as Printed<Http>;
    expect(one.mcpServers["echo"]?.url).toBe(daemon.mcpUrl("echo"));
    for (const { mcpServers } of [all, one]) {
      const [{ url, headers } = { url: "", headers: {} }] = Object.values(mcpServers);
      const client = new Client({ name: "config", version: "1.0.0" });
      const requestInit = { headers };
      await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain("add");
      await client.close();
    }
    const bridge = (await printed("--stdio")) as Printed<{ command: string; args: string[] }>;
    const client = new Client({ name: "config", version: "1.0.0" });
    const server = bridge.mcpServers["mcpd"] ?? { command: "", args: [] };
    await client.connect(new StdioClientTransport({ ...server, env: { ...daemon.home.env } }));
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("add");
    await client.close();
  });

  test("has the forms of the clients that mcpd knows", async () => {
    using home = new Home();
    home.writeConfig({ daemon: { port: 8123, auth: "none" }, mcpServers: ECHO });
    const said = async (line: string): Promise<string> =>
      (await home.run("client-config", "-q", ...line.split(" "))).stdout;
    expect(JSON.parse(await said("--server echo"))).toEqual({
      mcpServers: { echo: { type: "http", url: "http://127.0.0.1:8123/mcp/echo" } },
    });
    expect(JSON.parse(await said("-c zed"))).toHaveProperty("context_servers.mcpd");
    expect(JSON.parse(await said("-c vscode -s echo"))).toHaveProperty("servers.echo");
    expect(Bun.TOML.parse(await said("-c codex"))).toMatchObject({
      mcp_servers: { mcpd: { command: program(), args: ["bridge"] } },
    });
    expect(JSON.parse(await said("-c cursor --json"))).toMatchObject({
      client: "cursor",
      file: join(home.path, ".cursor", "mcp.json"),
    });
    expect(existsSync(join(home.path, ".cursor"))).toBe(false);
    const project = JSON.parse(await said("--project ."));
    expect(project.mcpServers.mcpd.url).toEndWith(`?project=${encodeURIComponent(home.path)}`);
    const unknown = await home.run("client-config", "--client", "cursr");
    expect(unknown.exitCode).toBeGreaterThan(0);
    expect(unknown.stderr).toContain('Did you mean "cursor"?');
    expect((await home.run("client-config", "--server", "nobody")).exitCode).toBe(66);
  });
});
