import { describe, expect, test } from "bun:test";

import { fixture, isAlive, processesOf } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";

describe("the harness", () => {
  test("starts the compiled daemon, reaches a real upstream through it, leaves nothing", async () => {
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
    expect((await daemon.health())["status"]).toBe("healthy");
    const client = await daemon.connect("echo");
    expect(await client.call("add", { a: 40, b: 2 })).toBe("42");
    const { pid } = JSON.parse(await client.call("stats"));
    expect(isAlive(pid)).toBe(true);
    expect(await daemon.stop()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test("kill() ends the daemon at once and its upstreams follow", async () => {
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
    const client = await daemon.connect("echo");
    await client.call("echo", { text: "hello" });
    await daemon.kill();
    await daemon.expectNobody();
    expect(isAlive(daemon.pid)).toBe(false);
  });

  test("a daemon that cannot start is told with what it said", async () => {
    using home = new Home();
    const options = { home, args: ["--config", home.directory.file("missing.json")] };
    await expect(Daemon.start(null, options)).rejects.toThrow("missing.json");
    await waitFor("nobody left", () => processesOf(home.path).length === 0);
  });
});
