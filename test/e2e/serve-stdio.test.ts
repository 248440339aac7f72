import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { LineClient, textOf } from "../helpers/line-client.ts";
import { fixture, processesOf, program } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";
import { statusOf } from "./status.ts";

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };

function serve(home: Home): LineClient {
  return new LineClient([program(), "serve", "--stdio"], { cwd: home.path, env: home.env });
}

async function expectNobody(home: Home): Promise<void> {
  await waitFor("nobody to be left", () => processesOf(home.path).length === 0);
}

describe("mcpd serve --stdio", () => {
  test("is all servers of the config behind one command, and goes with its input", async () => {
    using home = new Home();
    home.writeConfig(CONFIG);
    await using client = serve(home);
    expect((await client.initialize()).result).toMatchObject({ serverInfo: { name: "mcpd" } });
    expect(await client.call(1, "echo", { text: "hi" })).toBe("hi");
    client.ask(2, "tools/call", {
      name: "progress",
      arguments: { steps: 2 },
      _meta: { progressToken: "mine" },
    });
    expect(textOf(await client.answer(2))).toBe("2 steps");
    const steps = client.said.filter(({ method }) => method === "notifications/progress");
    expect(steps.map(({ params }) => [params?.["progressToken"], params?.["progress"]])).toEqual([
      ["mine", 1],
      ["mine", 2],
    ]);
    // Neither a daemon for others nor a trace of one.
    expect(await statusOf(home).catch(() => null)).toBeNull();
    expect(existsSync(home.platform.paths.ledgerFile)).toBe(false);
    expect(await client.end()).toBe(0);
    await expectNobody(home);
  });

  test("answers what the library asks, beside its MCP session", async () => {
    using home = new Home();
    home.writeConfig(CONFIG);
    await using client = serve(home);
    client.ask("tools", "mcpd/tools", { search: "numbers" });
    await client.initialize();
    client.ask("call", "mcpd/call", { tool: "add", arguments: { a: 1, b: 2 } });
    expect(await client.call(1, "echo", { text: "hi" })).toBe("hi");
    expect(textOf(await client.answer("call"))).toBe("3");
    expect((await client.answer("tools")).result).toMatchObject({ tools: [{ tool: "add" }] });
    client.ask("late", "mcpd/attach", { upstream: "echo" });
    expect((await client.answer("late")).error).toHaveProperty("code", -32600);
    expect(await client.end()).toBe(0);
    await expectNobody(home);
  });

  test("takes what a script pipes into it, and answers before it ends", async () => {
    using home = new Home();
    home.writeConfig(CONFIG);
    await using client = serve(home);
    client.ask(0, "initialize", {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: {},
    });
    client.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    client.ask(1, "tools/list");
    client.send("not JSON");
    expect(await client.end()).toBe(0);
    expect((await client.answer(1)).result).toHaveProperty("tools");
    expect(client.said).toContainEqual(expect.objectContaining({ id: null }));
  });

  test("runs beside a daemon without touching it, with its switch off as well", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const before = await daemon.connect("echo");
    await using client = serve(daemon.home);
    await client.initialize();
    const own = JSON.parse(await client.call(1, "stats")).pid;
    expect(JSON.parse(await before.call("stats")).pid).not.toBe(own);
    expect(await client.end()).toBe(0);
    expect(await before.call("echo", { text: "still here" })).toBe("still here");
  });

  test("ends its servers when it is told to end, and has no port", async () => {
    using home = new Home();
    home.writeConfig({ ...CONFIG, daemon: { enabled: false } });
    await using client = serve(home);
    await client.initialize();
    expect(await client.call(1, "echo", { text: "hi" })).toBe("hi");
    client.child.kill("SIGTERM");
    expect(await client.child.exited).toBe(0);
    await expectNobody(home);
    const wrong = await home.run("serve", "--stdio", "--port", "8400");
    expect(wrong).toMatchObject({ exitCode: 2, stdout: "" });
  });
});
