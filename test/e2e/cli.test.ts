import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

import type { Status } from "../../src/control/api.ts";
import { fixture, program } from "../helpers/program.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Daemon, type Finished, Home } from "./harness.ts";
import { settled, upstreamOf } from "./status.ts";

// The command line over a daemon that runs, as people and scripts use it.

const CONFIG = { mcpServers: { echo: fixture("echo.ts"), other: fixture("echo.ts") } };

/** Runs the program with something on its standard input. */
async function runWith(home: Home, input: string, words: readonly string[]): Promise<string> {
  const child = Bun.spawn([program(), ...words], {
    cwd: home.path,
    env: { ...home.env },
    stdio: [new Blob([input]), "pipe", "pipe"],
  });
  const [stdout, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    within(words.join(" "), child.exited),
  ]);
  expect(exitCode).toBe(0);
  return stdout;
}

describe("mcpd call", () => {
  const sum = ["call", "echo", "add"];

  test("takes arguments as JSON, key=value, key:=json, from a file and from standard input", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const file = daemon.home.directory.file("arguments.json");
    writeFileSync(file, '{"a": 20, "b": 22}');
    const ways: readonly (readonly string[])[] = [
      ['{"a": 20, "b": 22}'],
      ["a=20", "b=22"],
      ["a:=20", "b:=22"],
      [`@${file}`],
      [`@${file}`, "a=19", "b=23"],
      ['{"a": 1}', "a=20", "b=22"],
    ];
    for (const words of ways) {
      const { stdout, stderr, exitCode } = await daemon.run(...sum, ...words);
      expect([words, stdout.trim(), stderr, exitCode]).toEqual([words, "42", "", 0]);
    }
    const piped = await runWith(daemon.home, '{"a": 20, "b": 22}', [...sum, "-"]);
    expect(piped.trim()).toBe("42");
  });

  test("keeps text as it is, whatever is in it", async () => {
    await using daemon = await Daemon.start(CONFIG);
    for (const text of ["a b", "grüße €", "$(id) `id` %PATH%", "--json", "=", "-"]) {
      const { stdout } = await daemon.run("call", "echo", "echo", `text=${text}`);
      expect(stdout).toBe(`${text}\n`);
    }
    const long = "x".repeat(100_000);
    const echoed = await runWith(daemon.home, JSON.stringify({ text: long }), [
      "call",
      "echo",
      "echo",
      "-",
    ]);
    expect(echoed.trim()).toBe(long);
    const huge = await daemon.run("call", "echo", "huge", "bytes=5000000");
    expect(huge.stdout.trim()).toHaveLength(5_000_000);
  });

  test("saves a result to a file, prints all of it with --json", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const file = daemon.home.directory.file("out.txt");
    const saved = await daemon.run("call", "echo", "echo", "text=kept", "-o", file);
    expect([saved.exitCode, readFileSync(file, "utf8")]).toEqual([0, "kept"]);
    const { stdout } = await daemon.run("call", "echo", "echo", "text=hi", "--json");
    expect(JSON.parse(stdout)).toEqual({ content: [{ type: "text", text: "hi" }] });
  });

  test("call-tool finds the upstream by UPSTREAM/TOOL and UPSTREAM__TOOL", async () => {
    await using daemon = await Daemon.start(CONFIG);
    for (const name of ["echo/add", "echo__add"]) {
      const { stdout } = await daemon.run("call-tool", name, '{"a": 1, "b": 2}');
      expect([name, stdout.trim()]).toEqual([name, "3"]);
    }
    const { stdout } = await daemon.run("call-tool", "list_upstreams");
    expect(stdout).toContain('"other"');
  });

  test("can be interrupted: the call is cancelled at the upstream", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await settled(daemon);
    const child = Bun.spawn([program(), "call", "echo", "never"], {
      cwd: daemon.home.path,
      env: { ...daemon.home.env },
      stdio: ["ignore", "ignore", "ignore"],
    });
    await upstreamOf(daemon.home, "echo", ({ inFlight }) => inFlight === 1);
    child.kill("SIGINT");
    expect(await within("the end", child.exited)).toBe(130);
    await waitFor("the cancel", async () => {
      const { stdout } = await daemon.run("call", "echo", "stats");
      return JSON.parse(stdout).cancelled.length === 1;
    });
  });
});

describe("exit codes", () => {
  const cases: readonly (readonly [code: number, words: string, said: string])[] = [
    [2, "statsu", 'Did you mean "status"?'],
    [2, "help nope", 'Unknown command "nope"'],
    [78, "servers add x --url notaurl", "mcpServers.x.url"],
    [2, "config edit", "there is no terminal for vi"],
    [2, "status --jsno", "--jsno"],
    [2, "call echo", "TOOL"],
    [2, "call echo add nonsense", "nonsense"],
    [2, "serve --port many", "--port"],
    [2, "call echo add {a:1}", "not JSON"],
    [66, "call ehco add", 'Did you mean "echo"?'],
    [66, "call-tool no_such_tool", "no_such_tool"],
    [66, "call echo ad", 'has no tool "ad". Did you mean "add"?'],
    [66, "logs ehco", "ehco"],
    [66, "servers remove ehco", "ehco"],
    [74, "call echo add @no-such-file.json", "no-such-file.json"],
    [124, "call echo never --timeout 0.2", "not answered within 200 ms"],
    [69, "call echo crash", "may or may not"],
    [78, "config validate --config no-such-config.json", "no-such-config.json"],
  ];

  test("are those of the fault table, and the reason is on standard error", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await daemon.run("call", "echo", "stats");
    for (const [code, line, said] of cases) {
      const { exitCode, stdout, stderr } = await daemon.run(...line.split(" "));
      expect([line, exitCode, stdout]).toEqual([line, code, ""]);
      expect(stderr).toContain(said);
    }
  });

  test("come with one JSON document on standard output when --json is given", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await daemon.run("call", "echo", "stats");
    for (const [code, line] of cases) {
      if (line.includes("--jsno")) continue;
      const { exitCode, stdout } = await daemon.run(...line.split(" "), "--json");
      expect([line, exitCode]).toEqual([line, code]);
      const problem: unknown = JSON.parse(stdout);
      expect(JSON.stringify(problem)).toContain('"hint"');
    }
  });

  test("without a daemon is 69 and says how to start one", async () => {
    using home = new Home();
    for (const line of ["status", "health"]) {
      const { exitCode, stderr } = await home.run(...line.split(" "));
      expect([line, exitCode]).toEqual([line, 69]);
      expect(stderr).toContain("mcpd start");
    }
  });
});

describe("what people look at", () => {
  test("status, health, tools, servers, logs and show-key say what is so", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const said = async (line: string): Promise<Finished> => {
      const finished = await daemon.run(...line.split(" "));
      expect([line, finished.exitCode]).toEqual([line, 0]);
      return finished;
    };
    expect((await said("tools")).stdout).toMatch(/^echo__add +echo +Adds two numbers$/m);
    expect((await said("tools add")).stdout).not.toContain("echo__slow");
    expect((await said("tools --upstream other")).stdout).not.toMatch(/^echo__/m);
    expect((await said("status")).stdout).toMatch(/^echo +ready/m);
    expect((await said("servers")).stdout).toMatch(/^other +ready/m);
    expect((await said("health")).stdout.trim()).toBe("healthy");
    expect((await said("show-key")).stdout).toBe(`${daemon.key}\n`);
    expect((await said("logs")).stdout).toContain("listening");
    expect((await said("logs -n 1")).stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse((await said("logs -n 1 --json")).stdout).lines).toHaveLength(1);
    expect((await said("logs echo")).stdout).toContain("echo started pid=");
    expect((await said("version")).stdout).toMatch(/^mcpd \d+\.\d+\.\d+/);
    expect((await said("config path")).stdout.trim()).toBe(daemon.home.configFile);
  });

  test("is one JSON document with --json, in the documented shape", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const read = async (line: string): Promise<{ readonly [key: string]: unknown }> => {
      const { stdout, exitCode } = await daemon.run(...line.split(" "), "--json");
      expect([line, exitCode]).toEqual([line, 0]);
      return JSON.parse(stdout);
    };
    expect(await read("tools")).toMatchObject({
      missing: [],
      tools: expect.arrayContaining([
        expect.objectContaining({ upstream: "echo", tool: "add", name: "echo__add" }),
      ]),
    });
    expect(await read("status")).toMatchObject({
      verdict: "healthy",
      pid: daemon.pid,
      urls: { mcp: daemon.urls.mcp },
      conditions: [],
      upstreams: expect.arrayContaining([
        expect.objectContaining({ name: "echo", state: "ready", tools: 14 }),
      ]),
    });
    expect(await read("health")).toMatchObject({ status: "healthy", conditions: 0 });
    expect(await read("servers")).toMatchObject({ running: true });
    expect(await read("show-key")).toMatchObject({ key: daemon.key });
    for (const line of ["version", "config path", "config show", "config validate", "help"]) {
      expect(Object.keys(await read(line)).length).toBeGreaterThan(0);
    }
    expect(await read("config schema")).toHaveProperty("properties.mcpServers");
    expect(await read("config explain daemon.port")).toBeDefined();
  });

  test("status counts each project's calls for itself", async () => {
    const files = { ...fixture("echo.ts"), scope: "project" };
    await using daemon = await Daemon.start({ mcpServers: { files } });
    for (const calls of [1, 2]) {
      const project = daemon.home.directory.file(`project ${calls}`);
      mkdirSync(project);
      const client = await daemon.connect("files", { headers: { "x-mcpd-project": project } });
      for (let call = 0; call < calls; call++) await client.call("add", { a: 1, b: 2 });
    }
    const { stdout } = await daemon.run("status", "--json");
    const { upstreams }: Status = JSON.parse(stdout);
    const rows = upstreams.filter(({ name }) => name === "files");
    expect(rows.map(({ calls }) => calls)).toEqual([1, 2]);
  });

  test("status says that the daemon runs with another config than --config names", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const other = daemon.home.directory.file("other.json");
    const { stdout } = await daemon.run("status", "--config", other);
    expect(stdout).toContain(`this daemon runs with that one, not with ${other}`);
    const asked = JSON.parse((await daemon.run("status", "--config", other, "--json")).stdout);
    expect(asked.config).toMatchObject({ path: daemon.home.configFile, asked: other });
  });

  test("logs -f goes on as lines are written", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await daemon.run("call", "echo", "stats");
    const child = Bun.spawn([program(), "logs", "-f", "-n", "0", "echo"], {
      cwd: daemon.home.path,
      env: { ...daemon.home.env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const first = child.stdout.getReader().read();
    await daemon.run("call", "echo", "crash");
    const { value } = await within("a line", first);
    expect(new TextDecoder().decode(value)).toContain("echo started pid=");
    child.kill("SIGINT");
    await within("the end", child.exited);
  });
});
