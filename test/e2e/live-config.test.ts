import { describe, expect, test } from "bun:test";
import { readFileSync, renameSync, writeFileSync } from "node:fs";

import { McpHttp } from "../helpers/mcp-http.ts";
import { fixture } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { Official } from "./official.ts";
import { conditionOf, settled, statusOf, upstreamOf } from "./status.ts";

// Saving the file is all it takes: only what changed restarts, and who is concerned is told.

const TOOLS_CHANGED = "notifications/tools/list_changed";
const one = fixture("echo.ts", "--name=one");
const two = fixture("echo.ts", "--name=two");

async function pidOf(client: McpHttp): Promise<number> {
  return JSON.parse(await client.call("stats")).pid;
}

async function toolsOf({ client }: Official): Promise<readonly string[]> {
  return (await client.listTools()).tools.map(({ name }) => name);
}

/** Resolves when the daemon runs with revision `number`. */
async function revisionOf(daemon: Daemon, number: number): Promise<void> {
  await waitFor(`revision ${number}`, async () => {
    return (await statusOf(daemon.home))?.config.revision === number;
  });
}

describe("saving the config", () => {
  test("with a new upstream starts it and tells who sees all of them", async () => {
    await using daemon = await Daemon.start({ mcpServers: { one } });
    await using all = await Official.connect(daemon, "v1 http");
    await using alone = await Official.connect(daemon, "v1 http", "one");
    expect(await toolsOf(all)).toContain("add");
    await toolsOf(alone);
    const pid = await alone.call("stats");
    daemon.home.writeConfig({ mcpServers: { one, two } });
    await all.hears(TOOLS_CHANGED);
    await upstreamOf(daemon.home, "two", ({ state }) => state === "ready");
    await waitFor("its tools", async () => (await toolsOf(all)).includes("two__add"));
    expect(await all.call("two__add", { a: 1, b: 2 })).toBe("3");
    expect(JSON.parse(await alone.call("stats")).pid).toBe(JSON.parse(pid).pid);
    expect(alone.heard).toEqual([]);
  });

  test("without an upstream ends it, tells who saw it, and leaves the others alone", async () => {
    await using daemon = await Daemon.start({ mcpServers: { one, two } });
    await using all = await Official.connect(daemon, "v1 http");
    await using other = await Official.connect(daemon, "v1 http", "one");
    const gone = await daemon.connect("two");
    expect(await toolsOf(all)).toContain("two__add");
    await toolsOf(other);
    const stays = await pidOf(await daemon.connect("one"));
    const ends = await pidOf(gone);
    daemon.home.writeConfig({ mcpServers: { one } });
    await all.hears(TOOLS_CHANGED);
    expect(await toolsOf(all)).not.toContain("two__add");
    await waitFor(
      "its end",
      async () => (await daemon.home.platform.processIdentity(ends)) === null,
    );
    const { response } = await gone.request("tools/list");
    expect(response.error?.data).toMatchObject({ fault: "upstream.unknown" });
    expect(await pidOf(await daemon.connect("one"))).toBe(stays);
    expect(other.heard).toEqual([]);
  });

  test("with one changed replaces that one; its call in flight finishes first", async () => {
    await using daemon = await Daemon.start({ mcpServers: { one, two } });
    await settled(daemon);
    const client = await daemon.connect("one");
    const old = await pidOf(client);
    const stays = await pidOf(await daemon.connect("two"));
    const slow = client.call("slow", { ms: 1_000 });
    await upstreamOf(daemon.home, "one", ({ inFlight }) => inFlight === 1);
    daemon.home.writeConfig({ mcpServers: { one: fixture("echo.ts", "--name=new"), two } });
    const fresh = await upstreamOf(daemon.home, "one", ({ server }) => server?.name === "new");
    expect(fresh.pid).not.toBe(old);
    expect(await pidOf(client)).toBe(fresh.pid ?? 0);
    expect(await daemon.home.platform.processIdentity(old)).not.toBeNull();
    expect(await slow).toBe("slept 1000 ms");
    await waitFor("the end of the old one", async () => {
      return (await daemon.home.platform.processIdentity(old)) === null;
    });
    expect(await pidOf(await daemon.connect("two"))).toBe(stays);
  });

  test("with another bound of answers holds for upstreams that run", async () => {
    await using daemon = await Daemon.start({ mcpServers: { one } });
    const client = await daemon.connect("one");
    const pid = await pidOf(client);
    const huge = { name: "huge", arguments: { bytes: 1_500_000 } };
    expect((await client.request("tools/call", huge)).response.error).toBeUndefined();
    daemon.home.writeConfig({ server: { max_answer_bytes: 1_048_576 }, mcpServers: { one } });
    await waitFor("the new bound", async () => {
      const { error } = (await client.request("tools/call", huge)).response;
      return (error?.data as { fault?: string } | undefined)?.fault === "upstream.answer-too-large";
    });
    daemon.home.writeConfig({ mcpServers: { one } });
    await waitFor("the old bound", async () => {
      return (await client.request("tools/call", huge)).response.error === undefined;
    });
    expect(await pidOf(client)).toBe(pid);
  });

  test("with a change that cannot start keeps the old one at work, and says so", async () => {
    await using daemon = await Daemon.start({ mcpServers: { one } });
    const client = await daemon.connect("one");
    const pid = await pidOf(client);
    daemon.home.writeConfig({ mcpServers: { one: { command: "no-such-mcp-server" } } });
    expect((await conditionOf(daemon.home, "upstream.failed")).text).toContain("no-such");
    expect(await pidOf(client)).toBe(pid);
    daemon.home.writeConfig({ mcpServers: { one } });
    await waitFor("no condition", async () => {
      return (await statusOf(daemon.home))?.conditions.length === 0;
    });
    expect(await pidOf(client)).toBe(pid);
  });

  test("with another tool policy applies it to a running process", async () => {
    await using daemon = await Daemon.start({ mcpServers: { one, two } });
    await using client = await Official.connect(daemon, "v1 http", "one");
    await using other = await Official.connect(daemon, "v1 http", "two");
    expect(await toolsOf(client)).toContain("crash");
    await toolsOf(other);
    const { pid } = JSON.parse(await client.call("stats"));
    daemon.home.writeConfig({ mcpServers: { one: { ...one, tools: { deny: ["cr*"] } }, two } });
    await client.hears(TOOLS_CHANGED);
    expect(await toolsOf(client)).not.toContain("crash");
    await expect(client.call("crash")).rejects.toThrow("switched off");
    expect(JSON.parse(await client.call("stats")).pid).toBe(pid);
    expect(other.heard).toEqual([]);
  });

  test("with a daemon setting applies it live: who may connect, what is logged", async () => {
    await using daemon = await Daemon.start({ mcpServers: { one } });
    const mcpServers = { one };
    const stranger = new McpHttp({ url: daemon.mcpUrl("one") });
    expect((await stranger.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status).toBe(401);
    daemon.home.writeConfig({ daemon: { auth: "none", log_level: "DEBUG" }, mcpServers });
    await revisionOf(daemon, 2);
    await stranger.initialize();
    expect(await stranger.call("add", { a: 1, b: 1 })).toBe("2");
    expect(daemon.log()).toContain(" - DEBUG - ");
    expect((await statusOf(daemon.home))?.conditions.map(({ name }) => name)).toHaveLength(1);
    daemon.home.writeConfig({ mcpServers });
    await revisionOf(daemon, 3);
    expect((await stranger.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status).toBe(401);
    expect((await statusOf(daemon.home))?.conditions).toEqual([]);
  });

  test("with the daemon disabled stops everything but the socket, and enabled serves again", async () => {
    const daemonAt = (enabled: boolean) => ({ daemon: { enabled }, mcpServers: { one } });
    await using daemon = await Daemon.start(daemonAt(true));
    const { home } = daemon;
    const pid = await pidOf(await daemon.connect("one"));
    home.writeConfig(daemonAt(false));
    const { severity, hint } = await conditionOf(home, "daemon.disabled");
    expect([severity, hint]).toEqual(["info", expect.stringContaining("daemon.enabled")]);
    await waitFor("its end", async () => (await home.platform.processIdentity(pid)) === null);
    const status = await statusOf(home);
    expect(status).toMatchObject({ verdict: "healthy", urls: null, sessions: 0 });
    expect(status?.upstreams.map(({ state }) => state)).toEqual(["disabled", "disabled"]);
    expect(await daemon.health().catch(() => null)).toBeNull();
    const control = await daemon.control();
    const call = control.request("mcpd/call", { tool: "add", arguments: { a: 1, b: 2 } });
    expect(await call.catch((error: unknown) => error)).toMatchObject({
      fault: { code: "daemon.disabled" },
    });
    control.close();
    // A command does without the daemon then.
    const direct = await daemon.run("call", "one", "add", "a=1", "b=2");
    expect([direct.stdout.trim(), direct.stderr, direct.exitCode]).toEqual(["3", "", 0]);
    expect((await statusOf(home))?.upstreams.map(({ state }) => state)).toEqual([
      "disabled",
      "disabled",
    ]);
    home.writeConfig(daemonAt(true));
    await waitFor("the listener", async () => (await statusOf(home))?.urls);
    expect((await statusOf(home))?.conditions).toEqual([]);
    expect((await daemon.run("call", "one", "add", "a=1", "b=2")).stdout.trim()).toBe("3");
  });

  test("as editors do, by renaming a new file into its place, works each time", async () => {
    await using daemon = await Daemon.start({ mcpServers: {} });
    const { configFile } = daemon.home;
    for (const name of ["a", "b", "c"]) {
      writeFileSync(`${configFile}.new`, JSON.stringify({ mcpServers: { [name]: one } }));
      renameSync(`${configFile}.new`, configFile);
      await upstreamOf(daemon.home, name);
    }
    const names = (await statusOf(daemon.home))?.upstreams.map(({ name }) => name);
    expect(names).toEqual(["mcpd", "c"]);
  });
});

describe("mcpd servers", () => {
  const COMMENTED = `{
  // My servers.
  "mcpServers": {
    // The good one: do not touch.
    "one": ${JSON.stringify(one)}, // trailing
  },
}
`;

  test("add, disable, enable and remove edit the file with its comments and apply", async () => {
    await using daemon = await Daemon.start(COMMENTED);
    const { home } = daemon;
    const { pid } = JSON.parse(await (await daemon.connect("one")).call("stats"));
    const does = async (...words: readonly string[]): Promise<void> => {
      const { exitCode, stderr } = await daemon.run("servers", ...words);
      expect([words[0], exitCode, stderr.includes("The daemon runs with it")]).toEqual([
        words[0],
        0,
        true,
      ]);
    };
    await does("add", "two", "--", two.command, ...two.args);
    expect((await daemon.run("call", "two", "add", "a=2", "b=3")).stdout.trim()).toBe("5");
    await does("disable", "two");
    expect((await upstreamOf(home, "two")).state).toBe("disabled");
    const refused = await daemon.run("call", "two", "add", "a=2", "b=3");
    expect(refused.exitCode).toBe(69);
    expect(refused.stderr).toContain("mcpd servers enable two");
    await does("enable", "two");
    expect((await daemon.run("call", "two", "add", "a=2", "b=3")).stdout.trim()).toBe("5");
    await does("remove", "two");
    expect((await statusOf(home))?.upstreams.map(({ name }) => name)).toEqual(["mcpd", "one"]);
    const text = readFileSync(home.configFile, "utf8");
    for (const comment of ["// My servers.", "// The good one: do not touch.", "// trailing"]) {
      expect(text).toContain(comment);
    }
    expect(text).toBe(COMMENTED);
    expect(await pidOf(await daemon.connect("one"))).toBe(pid);
  });

  test("enable starts nothing that belongs to a project before one asks", async () => {
    const config = { mcpServers: { one: { ...one, scope: "project", disabled: true } } };
    await using daemon = await Daemon.start(config);
    const { stdout } = await daemon.run("servers", "enable", "one", "--quiet");
    expect([stdout, (await upstreamOf(daemon.home, "one")).state]).toEqual(["", "idle"]);
    await daemon.home.logged("upstream: added");
    expect(daemon.log()).not.toContain("upstream process started");
  });

  test("add refuses what is there, remove and enable what is not, with a guess", async () => {
    await using daemon = await Daemon.start({ mcpServers: { files: one } });
    const again = await daemon.run("servers", "add", "files", "--", "x");
    expect([again.exitCode, again.stderr.includes("--replace")]).toEqual([2, true]);
    for (const word of ["remove", "enable", "disable"]) {
      const { exitCode, stderr } = await daemon.run("servers", word, "fiels");
      expect([word, exitCode]).toEqual([word, 66]);
      expect(stderr).toContain('Did you mean "files"?');
    }
    const before = readFileSync(daemon.home.configFile, "utf8");
    const dry = await daemon.run("servers", "add", "new", "--dry-run", "--", "x");
    expect(dry.stdout).toContain('"new"');
    expect(readFileSync(daemon.home.configFile, "utf8")).toBe(before);
  });
});
