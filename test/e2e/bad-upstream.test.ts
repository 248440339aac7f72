import { describe, expect, test } from "bun:test";

import { occupyPort } from "../helpers/port.ts";
import { fixture, program } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";
import { conditionOf, statusOf } from "./status.ts";

// What upstreams, the config and the machine do wrong. One fails, the others go on.

const MEBIBYTE = 1_048_576;

async function expectServing(daemon: Daemon): Promise<void> {
  const client = await daemon.connect("echo");
  expect(await client.call("add", { a: 1, b: 1 })).toBe("2");
}

describe("an upstream that", () => {
  test("is not installed is named with its command and the PATH, the others serve", async () => {
    const mcpServers = { echo: fixture("echo.ts"), ghost: { command: "no-such-mcp-server" } };
    await using daemon = await Daemon.start({ mcpServers });
    const all = await daemon.connect();
    const { response } = await all.request("tools/list");
    expect(JSON.stringify(response.result)).toContain("environment");
    const condition = await conditionOf(daemon.home, "upstream.failed");
    expect(condition).toMatchObject({ subject: "ghost", severity: "error" });
    expect(condition.text).toContain('"no-such-mcp-server"');
    expect(condition.text).toContain(daemon.home.env["PATH"]?.split(":")[0] ?? "");
    expect((await daemon.health())["status"]).toBe("degraded");
    const { exitCode, stderr } = await daemon.run("call", "ghost", "anything");
    expect(exitCode).toBe(69);
    expect(stderr).toContain("no-such-mcp-server");
    await expectServing(daemon);
  });

  test("never answers a call meets the time-out, and is told to stop working on it", async () => {
    const mcpServers = { echo: { ...fixture("echo.ts"), timeout_secs: 0.3 } };
    await using daemon = await Daemon.start({ mcpServers });
    const client = await daemon.connect("echo");
    const { response } = await client.request("tools/call", { name: "never", arguments: {} });
    expect(response.error).toMatchObject({
      code: -32001,
      message: expect.stringContaining("timeout_secs"),
      data: { fault: "exchange.timed-out" },
    });
    expect(JSON.parse(await client.call("stats")).cancelled).toHaveLength(1);
    await expectServing(daemon);
  });

  test("never answers 'initialize' is ended and reported, its callers are told", async () => {
    const stuck = { ...fixture("misbehaver.ts", "--mode=no-initialize"), start_timeout_secs: 0.5 };
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts"), stuck } });
    const { exitCode, stderr } = await daemon.run("call", "stuck", "echo", "text=x");
    expect(exitCode).toBe(69);
    expect(stderr).toContain("was not ready after 0.5 s");
    expect((await conditionOf(daemon.home, "upstream.failed")).subject).toBe("stuck");
    await expectServing(daemon);
  });

  test("dies at its start is reported with its exit code and tried again", async () => {
    const dead = fixture("misbehaver.ts", "--mode=dies-at-start");
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts"), dead } });
    const client = await daemon.connect();
    await client.request("tools/list");
    const condition = await conditionOf(daemon.home, "upstream.failed");
    expect(condition.text).toContain("exited with code 4");
    await waitFor("a further start", () =>
      (daemon.log("upstream-dead.log").match(/misbehaver started/g)?.length ?? 0) > 1 ? true : null,
    );
    await expectServing(daemon);
  });

  // The answer is right although something else is wrong; the log says what, in few words.
  const odd: readonly (readonly [mode: string, text: string, logged: string])[] = [
    ["answers-twice", "grüße", "which nobody waits for"],
    ["wrong-id", "grüße", "which nobody waits for"],
    ["garbage-line", "grüße", "Listening on port 3000 {oops"],
    ["huge-line", "grüße", "printed what is no message"],
    ["half-line", "grüße", ""],
    ["floods", "grüße", ""],
  ];
  for (const [mode, text, logged] of odd) {
    test(`${mode.replace("-", " ")} still gets its right answers through`, async () => {
      const mcpServers = {
        echo: fixture("echo.ts"),
        odd: fixture("misbehaver.ts", `--mode=${mode}`),
      };
      await using daemon = await Daemon.start({ mcpServers });
      const client = await daemon.connect("odd");
      expect(await client.call("echo", { text })).toBe(text);
      expect(await client.call("echo", { text: `${text} 2` })).toBe(`${text} 2`);
      await expectServing(daemon);
      expect((await daemon.health())["status"]).toBe("healthy");
      await daemon.home.logged(logged);
      expect(daemon.log().length).toBeLessThan(MEBIBYTE);
    });
  }

  test("answers with more than the limit has the call told so, and goes on", async () => {
    const config = { server: { max_answer_bytes: MEBIBYTE } };
    await using daemon = await Daemon.start({
      ...config,
      mcpServers: { echo: fixture("echo.ts") },
    });
    const client = await daemon.connect("echo");
    const huge = { name: "huge", arguments: { bytes: MEBIBYTE } };
    const { response } = await client.request("tools/call", huge);
    expect(response.error).toMatchObject({
      message: expect.stringContaining(`the limit is ${MEBIBYTE} bytes`),
      data: { fault: "upstream.answer-too-large" },
    });
    await expectServing(daemon);
  });

  test("answers with ten megabytes is passed on whole", async () => {
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
    const client = await daemon.connect("echo");
    expect(await client.call("huge", { bytes: 10 * MEBIBYTE })).toHaveLength(10 * MEBIBYTE);
  });

  test("does not read gets no more than its queue holds, the others serve", async () => {
    // It reads one message only, and that must be the greeting it knows.
    const server = fixture("misbehaver.ts", "--mode=deaf");
    const deaf = { ...server, timeout_secs: 1, era: "legacy" };
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts"), deaf } });
    const client = await daemon.connect("deaf");
    const text = "x".repeat(1_000_000);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.call("echo", { text }).catch(String)),
    );
    for (const answer of answers) expect(answer).toContain("has not answered");
    await expectServing(daemon);
  });
});

describe("a config", () => {
  test("with a slip of the pen keeps the last good one in force until it is mended", async () => {
    const good = JSON.stringify({ mcpServers: { echo: fixture("echo.ts") } });
    await using daemon = await Daemon.start(good);
    const client = await daemon.connect("echo");
    const { pid } = JSON.parse(await client.call("stats"));
    daemon.home.writeConfig('{\n  "mcpServers": {\n    "echo": { "command" "x" }\n  }\n}\n');
    const condition = await conditionOf(daemon.home, "config.invalid");
    expect(condition).toMatchObject({ severity: "error", subject: daemon.home.configFile });
    expect(condition.text).toContain(`${daemon.home.configFile}:3:25: expected ":"`);
    expect(JSON.parse(await client.call("stats")).pid).toBe(pid);
    daemon.home.writeConfig(good);
    await waitFor("the mending", async () => {
      return (await statusOf(daemon.home))?.conditions.length === 0;
    });
    expect(JSON.parse(await client.call("stats")).pid).toBe(pid);
    expect((await daemon.health())["status"]).toBe("healthy");
  });

  test("with a value of the wrong kind says where, what was expected and what came", async () => {
    const server = { ...fixture("echo.ts"), timeout_secs: "soon" };
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
    daemon.home.writeConfig({ mcpServers: { echo: server } });
    const { text } = await conditionOf(daemon.home, "config.invalid");
    expect(text).toContain("mcpServers.echo.timeout_secs");
    expect(text).toMatch(/config\.json:9:\d+: /);
    const { exitCode, stdout, stderr } = await daemon.run("config", "validate");
    expect(exitCode).toBe(78);
    expect(stdout + stderr).toContain("soon");
    await expectServing(daemon);
  });

  test("that is wrong from the start leaves a daemon that says so, and mends", async () => {
    await using daemon = await Daemon.start('{ "mcpServers": [] }');
    expect((await conditionOf(daemon.home, "config.invalid")).text).toContain("mcpServers");
    daemon.home.writeConfig({ mcpServers: { echo: fixture("echo.ts") } });
    await waitFor("the upstream", async () => {
      return (await statusOf(daemon.home))?.upstreams.some(({ name }) => name === "echo");
    });
    await expectServing(daemon);
  });
});

describe("a port in use", () => {
  test("is a condition, the socket serves meanwhile, and it is bound once it is free", async () => {
    using home = new Home();
    const occupied = occupyPort();
    const { port } = occupied;
    home.writeConfig({ daemon: { port }, mcpServers: { echo: fixture("echo.ts") } });
    const daemon = Bun.spawn([program(), "serve", "--foreground"], {
      cwd: home.path,
      env: { ...home.env },
      stdio: ["ignore", "ignore", "ignore"],
    });
    try {
      const condition = await conditionOf(home, "port.in-use");
      expect(condition.text).toContain(String(port));
      const call = await home.run("call", "echo", "add", "a=1", "b=2");
      expect([call.stdout.trim(), call.exitCode]).toEqual(["3", 0]);
      expect((await home.run("health")).exitCode).toBe(1);
      occupied[Symbol.dispose]();
      const status = await waitFor("the port", async () => {
        const now = await statusOf(home);
        return now?.urls === null ? null : now;
      });
      expect(status.urls?.mcp).toBe(`http://127.0.0.1:${port}/mcp`);
      expect(status.conditions).toEqual([]);
      expect((await home.run("health")).exitCode).toBe(0);
    } finally {
      occupied[Symbol.dispose]();
      daemon.kill("SIGTERM");
    }
    expect(await daemon.exited).toBe(0);
  });
});
