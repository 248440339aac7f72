import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Bench, outcomeOf, STATUS } from "./bench.ts";

type Json = { readonly [key: string]: unknown };

test("run() prints a short help for no command, and the version for --version", async () => {
  using bench = new Bench();
  const help = await bench.run([]);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("Usage: mcpd COMMAND");
  expect(help.stdout.split("\n").every((line) => line.length <= 100)).toBe(true);
  for (const words of [["--version"], ["-V"], ["version"], ["status", "--version"]]) {
    expect(await bench.run(words)).toEqual({ code: 0, stdout: "mcpd 0.0.0-dev\n", stderr: "" });
  }
});

test("run() refuses unknown commands and flags with a suggestion and exit code 2", async () => {
  using bench = new Bench();
  const cases: readonly (readonly [string, string])[] = [
    ["statsu", 'Unknown command "statsu". Did you mean "status"?'],
    ["servers lst", 'Unknown command "servers lst". Did you mean "list"?'],
    ["confg", 'Unknown command "confg". Did you mean "config"?'],
    ["status --wach", 'Unknown flag "--wach". Did you mean "--watch"?'],
    ["--bogus", 'Unknown flag "--bogus"'],
    ["status extra", 'Unexpected argument "extra"'],
    ["call", "UPSTREAM is missing"],
    ["logs -n", "--lines needs a value"],
    ["--config", "--config needs a value"],
  ];
  for (const [line, text] of cases) {
    const { code, stdout, stderr } = await bench.run(line.split(" "));
    expect({ line, code, stdout, first: stderr.split("\n")[0] }).toEqual({
      line,
      code: 2,
      stdout: "",
      first: `mcpd: ${text}`,
    });
    expect(stderr).toContain("Run 'mcpd help");
  }
});

test("run() takes global flags before and after the command", async () => {
  using bench = new Bench();
  bench.serve();
  for (const words of [
    ["--json", "status"],
    ["status", "--json"],
    ["--config", "status", "--json", "status"],
  ]) {
    const { code, stdout } = await bench.run(words);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(STATUS);
  }
});

test("run() explains every command, whatever else is on the line", async () => {
  using bench = new Bench();
  for (const words of [
    ["help", "call"],
    ["call", "--help"],
    ["call", "-h", "--bogus", "x"],
  ]) {
    const { code, stdout } = await bench.run(words);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: mcpd call UPSTREAM TOOL [ARGUMENT...] [flags]");
  }
  const tree = JSON.parse((await bench.run(["help", "--json"])).stdout) as { commands: Json[] };
  expect(tree.commands.map((row) => row["name"])).toContain("servers add");
  for (const { name, description, examples } of tree.commands) {
    expect({ name, ok: description !== "" && (examples as Json[]).length > 0 }).toEqual({
      name,
      ok: true,
    });
  }
});

test("run() says that no daemon runs, why, and what to do", async () => {
  using bench = new Bench();
  const none = await bench.run(["status"]);
  expect(none.code).toBe(69);
  expect(none.stderr).toBe(
    `mcpd: The daemon is not running: there is no socket at ${bench.paths.controlAddress}\n` +
      "  Start it with 'mcpd serve --foreground'.\n",
  );
  const { stdout, stderr } = await bench.run(["tools", "--json"]);
  expect(stderr).toBe("");
  expect((JSON.parse(stdout) as { error: Json }).error).toMatchObject({
    code: "daemon.unreachable",
    hint: "Start it with 'mcpd serve --foreground'.",
  });
});

test("run() colours when told to and never against NO_COLOR or --no-color", async () => {
  using bench = new Bench();
  bench.serve();
  const escape = "\u001b[";
  const colored = await bench.run(["status"], { FORCE_COLOR: "1" });
  expect(colored.stdout).toContain(escape);
  expect((await bench.run(["status"])).stdout).not.toContain(escape);
  expect((await bench.run(["status"], { FORCE_COLOR: "1", NO_COLOR: "1" })).stdout).not.toContain(
    escape,
  );
  expect((await bench.run(["status", "--no-color"], { FORCE_COLOR: "1" })).stdout).not.toContain(
    escape,
  );
});

test("run() ends quietly with its own exit code when nobody reads the rest", async () => {
  using bench = new Bench();
  const tool = {
    upstream: "x",
    tool: "t",
    name: "t",
    title: "",
    description: "d",
    inputSchema: {},
  };
  const tools = Array.from({ length: 20_000 }, () => tool);
  bench.serve({ "mcpd/tools": () => ({ tools, missing: [] }) });
  const main = join(import.meta.dir, "../../src/main.ts");
  const line = `"${process.execPath}" "${main}" tools | head -1; echo "\${PIPESTATUS[0]}"`;
  const shell = Bun.spawn(["bash", "-c", line], {
    env: { ...bench.environment },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await outcomeOf(shell as never)).toEqual({
    code: 0,
    stdout: "TOOL  UPSTREAM  DESCRIPTION\n0\n",
    stderr: "",
  });
});

test("tools lists what the daemon has and names what is missing", async () => {
  using bench = new Bench();
  bench.serve();
  const { stdout, stderr } = await bench.run(["tools", "read", "--upstream", "files"]);
  expect(stdout.split("\n")).toEqual([
    "TOOL       UPSTREAM  DESCRIPTION",
    "read_file  files     Reads a file.",
    "web__get   web       Get",
    "",
  ]);
  expect(stderr).toBe("warning: Not listed, because they are not ready: web\n");
  expect(bench.asked[0]).toContain('"params":{"search":"read","upstream":"files"}');
});

test("call prints the text of a result and passes what was typed", async () => {
  using bench = new Bench();
  bench.serve();
  const words = ["call", "files", "read_file", "path=/x", "n=2", "--timeout", "1.5"];
  const { code, stdout } = await bench.run(words);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    upstream: "files",
    tool: "read_file",
    arguments: { path: "/x", n: 2 },
    timeoutMs: 1500,
  });
});

test("call-tool takes the ways to name a tool apart", async () => {
  using bench = new Bench();
  bench.serve();
  const named = async (name: string): Promise<Json> =>
    JSON.parse((await bench.run(["call-tool", name, "{}"])).stdout) as Json;
  expect(await named("read")).toEqual({ tool: "read", arguments: {} });
  expect(await named("files/read")).toEqual({ upstream: "files", tool: "read", arguments: {} });
  expect(await named("files__read")).toEqual({ tool: "files__read", arguments: {} });
});

test("call ends in 1 for an error of the tool and in the code of a fault", async () => {
  using bench = new Bench();
  bench.serve({
    "mcpd/call": () => ({ content: [{ type: "text", text: "no such file" }], isError: true }),
  });
  const failed = await bench.run(["call", "files", "read_file"]);
  expect(failed).toEqual({
    code: 1,
    stdout: "no such file\n",
    stderr: "warning: The tool reports an error\n",
  });
  using other = new Bench();
  other.serve();
  const unknown = await other.run(["call", "files", "missing"]);
  expect(unknown.code).toBe(66);
  expect(unknown.stderr).toBe(
    "mcpd: There is no tool \"missing\"\n  List the tools with 'mcpd tools'.\n",
  );
});

test("call saves a binary result to a file", async () => {
  using bench = new Bench();
  const data = Buffer.from("PNG").toString("base64");
  bench.serve({
    "mcpd/call": () => ({ content: [{ type: "image", mimeType: "image/png", data }] }),
  });
  const shown = await bench.run(["call", "a", "b"]);
  expect(shown.stdout).toBe("[image image/png, 3 B; save it with --output FILE]\n");
  const path = join(bench.home, "shot.png");
  const saved = await bench.run(["call", "a", "b", "-o", path]);
  expect(saved).toEqual({ code: 0, stdout: "", stderr: `Wrote ${path} (image image/png, 3 B)\n` });
  expect(readFileSync(path, "utf8")).toBe("PNG");
});

test("call is cancelled by Ctrl-C and ends in 130", async () => {
  using bench = new Bench();
  const called = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  bench.serve({
    "mcpd/call": (_, { signal }) => {
      signal.addEventListener("abort", () => cancelled.resolve());
      called.resolve();
      return new Promise(() => undefined);
    },
  });
  const running = bench.start(["call", "a", "b"]);
  await called.promise;
  running.kill("SIGINT");
  const { code, stderr } = await outcomeOf(running);
  await cancelled.promise;
  expect({ code, first: stderr.split("\n")[0] }).toEqual({ code: 130, first: "mcpd: Cancelled" });
});

test("health follows the daemon's own address", async () => {
  using bench = new Bench();
  using http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => Response.json({ status: url.endsWith("/bad") ? "unhealthy" : "degraded" }),
  });
  let path = "/good";
  bench.serve({
    "mcpd/status": () => ({
      ...STATUS,
      urls: { mcp: "", sse: "", health: `${http.url.origin}${path}` },
    }),
  });
  expect(await bench.run(["health"])).toEqual({ code: 0, stdout: "degraded\n", stderr: "" });
  path = "/bad";
  expect((await bench.run(["health"])).code).toBe(1);
  using idle = new Bench();
  expect((await idle.run(["health"])).code).toBe(69);
});

test("servers add, disable, enable and remove edit the file, comments kept, and apply it", async () => {
  using bench = new Bench();
  bench.serve();
  const path = bench.paths.configFile;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '{\n  // mine\n  "mcpServers": {}\n}\n', { mode: 0o600 });
  const words = [
    "servers",
    "add",
    "files",
    "--env",
    "MODE=x",
    "--env-ref",
    "T=MY_T",
    "--",
    "npx",
    "-y",
  ];
  const dry = await bench.run([...words.slice(0, 3), "--dry-run", ...words.slice(3)]);
  expect(dry.stdout).toContain('+     "files": {');
  expect(readFileSync(path, "utf8")).not.toContain("files");
  const added = await bench.run(words);
  expect(added.stdout).toBe(`Added "files" (${path})\n`);
  expect(added.stderr).toBe(
    "The daemon runs with it (revision 8)\nUndo: mcpd servers remove files\n",
  );
  expect(readFileSync(path, "utf8")).toContain("// mine");
  expect((await bench.run(["servers", "add", "files", "--", "x"])).code).toBe(2);
  expect((await bench.run(["servers", "disable", "files"])).code).toBe(0);
  expect(readFileSync(path, "utf8")).toContain('"disabled": true');
  expect((await bench.run(["servers", "enable", "files"])).code).toBe(0);
  expect(readFileSync(path, "utf8")).not.toContain("disabled");
  const removed = await bench.run(["servers", "remove", "files"]);
  const undo = /Undo: mcpd (.*)/.exec(removed.stderr)?.[1] ?? "";
  const entry = '{"command":"npx","args":["-y"],"env":{"MODE":"x","T":{"env":"MY_T"}}}';
  expect(undo).toBe(`servers add files --entry '${entry}'`);
  expect(readFileSync(path, "utf8")).not.toContain("npx");
  expect((await bench.run(["servers", "add", "files", "--entry", entry])).code).toBe(0);
  expect(readFileSync(path, "utf8")).toContain('"MY_T"');
});

test("servers add warns about a secret in plain text and refuses what cannot work", async () => {
  using bench = new Bench();
  const add = async (...words: string[]) => await bench.run(["servers", "add", ...words]);
  const secret = await add("docs", "--env", "MY_TOKEN=abcdefgh123", "--", "x");
  expect(secret.code).toBe(0);
  expect(secret.stderr).toContain("MY_TOKEN is written to the config as plain text");
  expect(secret.stderr).toContain("The daemon is not running: it takes effect when it starts");
  expect((await add("b")).stderr).toContain("nothing says how to reach it");
  expect((await add("b", "--url", "http://x/", "--", "y")).stderr).toContain("several ways");
  expect((await add("b", "--env", "X", "--", "y")).stderr).toContain("--env must be KEY=VALUE");
  expect((await add("mcpd", "--", "y")).code).toBe(78);
  const unknown = await bench.run(["servers", "remove", "doc"]);
  expect(unknown.code).toBe(66);
  expect(unknown.stderr).toContain('Did you mean "docs"?');
});

test("servers lists the config when no daemon runs", async () => {
  using bench = new Bench();
  await bench.run(["servers", "add", "docs", "--url", "https://example.com/mcp?key=1"]);
  const { code, stdout } = await bench.run(["servers", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    running: false,
    servers: expect.arrayContaining([
      expect.objectContaining({
        name: "docs",
        state: "stopped",
        reach: "https://example.com/mcp?...",
      }),
    ]),
  });
});

test("config commands find, explain and check the file", async () => {
  using bench = new Bench();
  const path = join(bench.home, "my.json");
  writeFileSync(path, '{ "daemon": { "port": 80 } }', { mode: 0o600 });
  expect((await bench.run(["config", "path"], { MCPD_CONFIG: path })).stdout).toBe(`${path}\n`);
  const wrong = await bench.run(["config", "validate", path]);
  expect(wrong.code).toBe(78);
  expect(wrong.stderr).toContain(`${path}:1:23`);
  writeFileSync(path, '{ "daemon": { "port": 8400 } }', { mode: 0o600 });
  expect((await bench.run(["config", "validate", path])).stdout).toBe(`${path} is valid\n`);
  const explained = await bench.run(["config", "explain", "daemon.port", "--config", path]);
  expect(explained.stdout).toContain("value    8400 (line 1)");
  const values = await bench.run(["--json", "config", "show", "--config", path]);
  expect(JSON.parse(values.stdout)).toMatchObject({ path, values: { "daemon.port": 8400 } });
  const schema = await bench.run(["config", "schema"]);
  expect(JSON.parse(schema.stdout)).toMatchObject({ title: "mcpd config" });
});

test("config edit runs the editor and fails on what it leaves behind", async () => {
  using bench = new Bench();
  const good = await bench.run(["config", "edit"], { EDITOR: "true" });
  expect(good.stdout).toBe(`${bench.paths.configFile} is valid\n`);
  const editor = join(bench.home, "editor.sh");
  writeFileSync(editor, '#!/bin/sh\necho "{" > "$1"\n', { mode: 0o700 });
  expect((await bench.run(["config", "edit"], { VISUAL: editor })).code).toBe(78);
  expect((await bench.run(["config", "edit"], { EDITOR: "false" })).code).toBe(74);
});

test("show-key prints the key alone, of the environment or the file", async () => {
  using bench = new Bench();
  expect((await bench.run(["show-key"])).code).toBe(69);
  const file = bench.paths.apiKeyFile;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "k-file\n", { mode: 0o600 });
  expect(await bench.run(["show-key"])).toEqual({ code: 0, stdout: "k-file\n", stderr: "" });
  const { stdout } = await bench.run(["show-key", "--json"], { MCPD_API_KEY: "k-env" });
  expect(JSON.parse(stdout)).toEqual({
    key: "k-env",
    origin: "environment",
    variable: "MCPD_API_KEY",
  });
});

test("logs shows the end of a log and follows it", async () => {
  using bench = new Bench();
  expect((await bench.run(["logs"])).code).toBe(74);
  const file = join(bench.paths.logsDir, "upstream-files.log");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "1\n2\n3\n");
  expect((await bench.run(["logs", "files", "-n", "2"])).stdout).toBe("2\n3\n");
  const typo = await bench.run(["logs", "flies"]);
  expect({ code: typo.code, stderr: typo.stderr.includes('Did you mean "files"?') }).toEqual({
    code: 66,
    stderr: true,
  });
});

test("completions are scripts that their shell accepts, and offer what fits", async () => {
  using bench = new Bench();
  bench.serve();
  const bash = await bench.run(["completions", "bash"]);
  const parsed = Bun.spawn(["bash", "-n"], { stdin: Buffer.from(bash.stdout), stderr: "pipe" });
  expect(await new Response(parsed.stderr).text()).toBe("");
  for (const shell of ["zsh", "fish", "powershell"]) {
    expect((await bench.run(["completions", shell])).stdout).toContain("mcpd complete --");
  }
  const offered = async (...words: string[]): Promise<string[]> =>
    (await bench.run(["complete", "--", ...words])).stdout
      .split("\n")
      .flatMap((line) => line.split("\t")[0] || []);
  expect(await offered("st")).toEqual(["status"]);
  expect(await offered("servers", "re")).toEqual(["remove"]);
  expect(await offered("help", "config", "sc")).toEqual(["schema"]);
  expect(await offered("status", "--w")).toEqual(["--watch"]);
  expect(await offered("servers", "add", "x", "--scope", "")).toEqual([
    "user",
    "project",
    "session",
  ]);
  expect(await offered("call", "")).toEqual(["files", "web"]);
  expect(await offered("call", "files", "read")).toEqual(["read_file"]);
  expect(await offered("servers", "remove", "w")).toEqual(["web"]);
});
