import { describe, expect, test } from "bun:test";
import { utimesSync, writeFileSync } from "node:fs";

import { beginTrial, endTrial } from "../../src/control/trial.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { fixture } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";

// What an install or upgrade asks of the server that it has just started, told by the test itself.

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };

describe("a daemon that is tried out", () => {
  test("lets its clients wait, on every way in, and answers them when that is over", async () => {
    using home = new Home();
    home.writeConfig(CONFIG);
    await beginTrial(home.platform);
    await using daemon = await Daemon.start(null, { home });
    expect(await daemon.health()).toMatchObject({ status: "healthy" });
    const answers: string[] = [];
    const connected = daemon.connect("echo").then((client) => (answers.push("http"), client));
    const called = home
      .run("call", "echo", "add", "a=40", "b=2")
      .then((done) => (answers.push("socket"), done));
    await waitFor("the first client", async () => {
      const { stdout } = await daemon.run("status", "--json");
      return JSON.parse(stdout).sessions >= 2;
    });
    expect(answers).toEqual([]);
    endTrial(home.platform);
    expect(await (await connected).call("add", { a: 40, b: 2 })).toBe("42");
    expect((await called).stdout.trim()).toBe("42");
  });

  test("answers when whoever tried it out has died", async () => {
    using home = new Home();
    await beginTrial(home.platform);
    const { trialFile } = home.platform.paths;
    writeFileSync(trialFile, JSON.stringify({ pid: process.pid, identity: "an earlier one" }));
    await using daemon = await Daemon.start(CONFIG, { home });
    expect(await (await daemon.connect("echo")).call("add", { a: 1, b: 2 })).toBe("3");
  });

  test("answers when whoever tries it out takes for ever over it", async () => {
    using home = new Home();
    await beginTrial(home.platform);
    const began = new Date(Date.now() - LIMITS.trialMs);
    utimesSync(home.platform.paths.trialFile, began, began);
    await using daemon = await Daemon.start(CONFIG, { home });
    expect(await (await daemon.connect("echo")).call("add", { a: 1, b: 2 })).toBe("3");
  });
});
