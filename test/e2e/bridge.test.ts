import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { LineClient, textOf } from "../helpers/line-client.ts";
import { freePort } from "../helpers/port.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { fixture, processesOf, program } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";
import { statusOf } from "./status.ts";

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };
const SWITCHED_OFF = { ...CONFIG, daemon: { auto_start: false } };

/** A bridge of this home, with more words on its command line. */
function bridge(home: Home, ...words: readonly string[]): LineClient {
  return new LineClient([program(), "bridge", ...words], { cwd: home.path, env: home.env });
}

/** Ends a daemon in order while its bridges stay. */
async function stop(daemon: Daemon): Promise<void> {
  daemon.child.kill("SIGTERM");
  await daemon.child.exited;
}

/** Ends the daemon that a bridge has started in a home, and waits until nothing is left. */
async function stopStarted(home: Home): Promise<void> {
  await home.run("stop");
  await waitFor("nobody to be left", () => processesOf(home.path).length === 0);
}

// What the official client can do through a bridge is in sharing.test.ts, with all other doors.

describe("mcpd bridge", () => {
  test("carries questions to its client, and large answers", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await using client = bridge(daemon.home, "--server", "echo");
    await client.initialize({ capabilities: { elicitation: {} } });
    client.ask(1, "tools/call", { name: "ask", arguments: { method: "elicitation/create" } });
    const question = await client.heard("elicitation/create");
    const content = { answer: "forty-two" };
    client.send({ jsonrpc: "2.0", id: question.id, result: { action: "accept", content } });
    expect(textOf(await client.answer(1))).toContain("forty-two");
    expect(await client.call(2, "huge", { bytes: 3_000_000 })).toHaveLength(3_000_000);
    expect(await client.end()).toBe(0);
    await waitFor("the session to end", async () => (await statusOf(daemon.home))?.sessions === 0);
  });

  test("works on the project of its directory, or on the one it is told", async () => {
    const echo = { ...fixture("echo.ts"), scope: "project", cwd: "{project}" };
    await using daemon = await Daemon.start({ mcpServers: { echo } });
    const { home } = daemon;
    const elsewhere = join(home.path, "elsewhere");
    mkdirSync(elsewhere);
    await using here = bridge(home, "--server", "echo");
    await using there = bridge(home, "--server", "echo", "--project", "elsewhere");
    const directoryOf = async (client: LineClient): Promise<unknown> => {
      await client.initialize();
      return JSON.parse(await client.call(1, "environment"));
    };
    expect(await directoryOf(here)).toMatchObject({ cwd: home.path });
    expect(await directoryOf(there)).toMatchObject({ cwd: elsewhere });
    expect(await here.end()).toBe(0);
    expect(await there.end()).toBe(0);
  });

  test("says at once that there is no such upstream, or no such directory", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await using client = bridge(daemon.home, "--server", "nothing");
    expect((await client.initialize()).error).toMatchObject({
      message: expect.stringContaining('There is no upstream "nothing"'),
      data: { fault: "upstream.unknown" },
    });
    const wrong = await daemon.run("bridge", "--project", "nowhere");
    expect(wrong).toMatchObject({ exitCode: 2, stdout: "" });
    expect(wrong.stderr).toContain("There is no directory");
  });

  posixTest("a directory that has been removed is no project, and no more than that", async () => {
    const files = { ...fixture("echo.ts"), scope: "project" };
    await using daemon = await Daemon.start({ mcpServers: { ...CONFIG.mcpServers, files } });
    const place = join(daemon.home.path, "gone");
    mkdirSync(place);
    const words = ["sh", "-c", 'rmdir "$PWD" && exec "$0" bridge', program()];
    await using client = new LineClient(words, { cwd: place, env: daemon.home.env });
    await client.initialize();
    expect(await client.call(1, "echo__add", { a: 1, b: 2 })).toBe("3");
    const { error } = await client.request(2, "tools/call", { name: "files__add", arguments: {} });
    expect(error?.message).toContain("Unknown tool");
    expect((await daemon.health())["status"]).toBe("healthy");
  });

  test("passes on what is wrong with a message, and lives on", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await using client = bridge(daemon.home);
    await client.initialize();
    client.send("this is no JSON");
    client.send('{"jsonrpc":"1.0","id":5,"method":"ping"}');
    client.send("[]");
    expect((await client.answer(5)).error?.code).toBe(-32600);
    await waitFor("the parse error", () => client.said.find(({ error }) => error?.code === -32700));
    expect((await client.request(6, "ping")).result).toEqual({});
  });

  test("ends with its input, after the answers it owes, and leaves nothing", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = bridge(daemon.home, "--server", "echo");
    await client.initialize();
    client.ask(1, "tools/call", { name: "slow", arguments: { ms: 100 } });
    expect(await client.end()).toBe(0);
    expect(textOf(await client.answer(1))).toBe("slept 100 ms");
    expect(await client.stderr).toBe("");
    await waitFor("the session to end", async () => (await statusOf(daemon.home))?.sessions === 0);
  });

  posixTest("ends quietly when nobody reads its output any more", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const script = `"${program()}" bridge | head -n 1 >/dev/null`;
    const child = Bun.spawn(["/bin/sh", "-c", script], {
      cwd: daemon.home.path,
      env: { ...daemon.home.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const hello = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: {} };
    const initialize = { jsonrpc: "2.0", id: 0, method: "initialize", params: hello };
    void child.stdin.write(`${JSON.stringify(initialize)}\n`);
    void child.stdin.flush();
    // `head` has gone after the first answer: the next one meets a closed pipe.
    const ping = setInterval(() => {
      void child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
      void Promise.resolve(child.stdin.flush()).catch(() => undefined);
    }, 20);
    expect(await child.exited).toBe(0);
    clearInterval(ping);
    expect(await new Response(child.stderr).text()).toBe("");
  });

  test("does not hold a client's flood in memory: everybody waits for who does not read", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await using client = bridge(daemon.home, "--server", "echo");
    await client.initialize();
    const text = "x".repeat(100_000);
    for (let id = 1; id <= 100; id += 1) {
      client.ask(id, "tools/call", { name: "echo", arguments: { text } });
    }
    for (let id = 1; id <= 100; id += 1) expect(textOf(await client.answer(id))).toBe(text);
  });
});

describe("a daemon that restarts under a bridge", () => {
  test("is not noticed: session, log level and subscriptions stand, lists are news", async () => {
    const first = await Daemon.start(SWITCHED_OFF);
    using home = first.home;
    await using client = bridge(home, "--server", "echo");
    await client.initialize();
    expect((await client.request(1, "logging/setLevel", { level: "warning" })).result).toEqual({});
    const listed = JSON.stringify(await client.request(2, "resources/list"));
    const uri = /"uri":"([^"]+)"/.exec(listed)?.[1] ?? "";
    await client.request(3, "resources/subscribe", { uri });
    await stop(first);
    client.ask(4, "tools/list");
    await using _second = await Daemon.start(null, { home });
    expect((await client.answer(4)).result).toHaveProperty("tools");
    await client.heard("notifications/tools/list_changed");
    expect(await client.call(5, "touch", { uri })).toBe("told");
    await client.heard("notifications/resources/updated");
    await client.call(6, "log", { level: "info", text: "too quiet" });
    await client.call(7, "log", { level: "error", text: "loud" });
    const log = await client.heard("notifications/message");
    expect(log.params).toMatchObject({ data: "loud" });
    // Each request was answered once: what the bridge repeated is its own business.
    const ids = client.said.flatMap(({ id, method }) => (method === undefined ? [id] : []));
    expect(ids.map(Number).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await client.end()).toBe(0);
  });

  test("is no end of a modern client's subscription: it hears once that lists may be old", async () => {
    const first = await Daemon.start(SWITCHED_OFF);
    using home = first.home;
    await using client = bridge(home, "--server", "echo");
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const notifications = { toolsListChanged: true, resourcesListChanged: true };
    client.ask("news", "subscriptions/listen", { _meta, notifications });
    await client.heard("notifications/subscriptions/acknowledged");
    await stop(first);
    await using _second = await Daemon.start(null, { home });
    await client.heard("notifications/resources/list_changed");
    await client.request(1, "tools/call", { _meta, name: "stats", arguments: {} });
    await client.request(2, "tools/call", { _meta, name: "change", arguments: { list: "tools" } });
    const changed = await waitFor("the change that follows", () => {
      const found = client.said.filter(
        ({ method }) => method === "notifications/tools/list_changed",
      );
      return found.length === 2 && found;
    });
    const tag = { "io.modelcontextprotocol/subscriptionId": "news" };
    expect(changed.map(({ params }) => params?.["_meta"])).toEqual([tag, tag]);
    expect(client.said.map(({ id, method }) => method ?? id)).toEqual([
      "notifications/subscriptions/acknowledged",
      "notifications/tools/list_changed",
      "notifications/resources/list_changed",
      1,
      2,
      "notifications/tools/list_changed",
    ]);
    expect(await client.end()).toBe(0);
  });

  test("leaves a call undecided and repeats a read, each answered once", async () => {
    const first = await Daemon.start(SWITCHED_OFF);
    using home = first.home;
    await using client = bridge(home, "--server", "echo");
    await client.initialize();
    client.ask("call", "tools/call", { name: "never", arguments: {} });
    client.ask(7, "ping");
    await client.answer(7);
    await first.kill();
    expect((await client.answer("call")).error).toMatchObject({
      message: expect.stringContaining("may or may not have had its effect"),
      data: { fault: "daemon.lost" },
    });
    await using _second = await Daemon.start(null, { home });
    expect(JSON.parse(await client.call(8, "stats"))).toMatchObject({ initializes: 1, calls: 1 });
    expect(await client.end()).toBe(0);
  });

  test("withdraws the question it had asked, and asks again under another daemon", async () => {
    const first = await Daemon.start(SWITCHED_OFF);
    using home = first.home;
    await using client = bridge(home, "--server", "echo");
    await client.initialize({ capabilities: { elicitation: {} } });
    client.ask(1, "tools/call", { name: "ask", arguments: { method: "elicitation/create" } });
    const question = await client.heard("elicitation/create");
    await first.kill();
    const withdrawn = await client.heard("notifications/cancelled");
    expect(withdrawn.params?.["requestId"]).toBe(question.id ?? "");
    await client.answer(1);
    await using _second = await Daemon.start(null, { home });
    // Too late: it must not be taken for the answer to anything the new daemon asks.
    client.send({ jsonrpc: "2.0", id: question.id, result: { action: "accept" } });
    client.ask(2, "tools/call", { name: "ask", arguments: { method: "elicitation/create" } });
    const again = await waitFor("the second question", () =>
      client.said.filter(({ method }) => method === "elicitation/create").at(1),
    );
    expect(again.id).not.toBe(question.id);
    client.send({ jsonrpc: "2.0", id: again.id, result: { action: "decline" } });
    expect(textOf(await client.answer(2))).toContain("decline");
    expect(await client.end()).toBe(0);
  });
});

describe("a bridge without a daemon", () => {
  linuxTest("starts one, only one, which outlives it", async () => {
    using home = new Home();
    home.writeConfig({ ...CONFIG, daemon: { port: freePort() } });
    const clients = [bridge(home), bridge(home), bridge(home)];
    try {
      await Promise.all(clients.map((client) => client.initialize()));
      expect(await clients[0]?.call(1, "echo", { text: "hi" })).toBe("hi");
      for (const client of clients) expect(await client.end()).toBe(0);
      const status = await statusOf(home);
      expect(status?.sessions).toBe(0);
      expect(home.log().match(/ - listening /g)).toHaveLength(1);
    } finally {
      for (const client of clients) await client[Symbol.asyncDispose]();
      await stopStarted(home);
    }
  });

  test("says how to start one when the config forbids it, and uses one that comes", async () => {
    using home = new Home();
    home.writeConfig(SWITCHED_OFF);
    await using client = bridge(home);
    const { error } = await client.initialize();
    expect(error?.message).toContain("daemon.auto_start off");
    expect(error?.message).toContain("mcpd start");
    expect(error?.data).toMatchObject({ fault: "daemon.unreachable" });
    await using _daemon = await Daemon.start(null, { home });
    const again = await waitFor("the bridge to find it", async () => {
      const id = `try ${client.said.length}`;
      const answer = await client.request(id, "initialize", { protocolVersion: "2025-06-18" });
      return answer.error === undefined && answer;
    });
    expect(again.result).toHaveProperty("serverInfo");
    expect(await client.end()).toBe(0);
  });

  linuxTest(
    "starts another after a crash, as soon as its client asks for something",
    async () => {
      const first = await Daemon.start({ ...CONFIG, daemon: { port: freePort() } });
      using home = first.home;
      await using client = bridge(home);
      await client.initialize();
      await first.kill();
      // A read: whether the bridge has noticed by now or not, it is answered.
      expect((await client.request(1, "tools/list")).result).toHaveProperty("tools");
      expect(await client.call(2, "echo", { text: "still here" })).toBe("still here");
      expect(await client.end()).toBe(0);
      await stopStarted(home);
      // The bridge waits for a restart of the old one first.
    },
    15_000,
  );
});
