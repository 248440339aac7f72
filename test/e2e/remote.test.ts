import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

import { SocketServer } from "../fixtures/servers/remote-socket.ts";
import { RemoteServer } from "../fixtures/servers/remote.ts";
import { fixture, realServer } from "../helpers/program.ts";
import { Service } from "../helpers/service.ts";
import { openTunnel } from "../helpers/tunnel.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";
import { Official } from "./official.ts";
import { conditionOf, upstreamOf } from "./status.ts";

// Upstreams that are reached by URL, each behind the compiled daemon as a user has it.

function everything(kind: "streamableHttp" | "sse"): Promise<Service> {
  const [, main = ""] = realServer("everything").args;
  return Service.start((port) => ({ args: [main, kind], env: { PORT: String(port) } }));
}

function misbehaver(): Promise<Service> {
  return Service.start((port) => ({
    args: ["test/fixtures/servers/remote.ts", `--port=${port}`],
  }));
}

const WIRES = [
  ["Streamable HTTP", "streamableHttp", (service: Service) => ({ url: service.url("/mcp") })],
  ["HTTP+SSE", "sse", (service: Service) => ({ type: "sse", url: service.url("/sse") })],
] as const;

describe.each(WIRES)("server-everything over %s", (_name, kind, entry) => {
  test("serves official clients through mcpd as it does on its own", async () => {
    await using service = await everything(kind);
    await using daemon = await Daemon.start({ mcpServers: { far: entry(service) } });
    await using official = await Official.connect(daemon, "v1 http", "far");
    const { client } = official;
    expect(await official.call("echo", { message: "hi" })).toBe("Echo: hi");
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toContain("args-prompt");
    const prompt = await client.getPrompt({ name: "args-prompt", arguments: { city: "Oslo" } });
    expect(JSON.stringify(prompt.messages)).toContain("Oslo");
    const uri = "demo://resource/dynamic/text/7";
    expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
    const operation = { duration: 0.15, steps: 3 };
    await official.call("trigger-long-running-operation", operation, { onprogress: () => {} });
    expect(official.steps).toEqual(["1/3", "2/3", "3/3"]);
    const upstream = await upstreamOf(daemon.home, "far");
    expect(upstream).toMatchObject({ kind: "remote", state: "ready", pid: null, restarts: 0 });
    expect(upstream).toMatchObject({ reach: entry(service).url, protocolVersion: "2025-11-25" });
  });

  test("logs, updates of resources and a cancelled call reach whom they concern", async () => {
    await using service = await everything(kind);
    await using daemon = await Daemon.start({ mcpServers: { far: entry(service) } });
    await using a = await Official.connect(daemon, "v1 http", "far");
    await using b = await Official.connect(daemon, "v1 sse", "far");
    await a.client.setLoggingLevel("debug");
    await a.call("toggle-simulated-logging");
    await a.hears("notifications/message");
    const uri = "demo://resource/dynamic/text/1";
    await b.client.subscribeResource({ uri });
    await b.call("toggle-subscriber-updates");
    expect((await b.hears("notifications/resources/updated")).params).toEqual({ uri });
    expect(a.heard.filter(({ method }) => method === "notifications/resources/updated")).toEqual(
      [],
    );
    const control = new AbortController();
    const operation = { duration: 60, steps: 600 };
    const running = a.call("trigger-long-running-operation", operation, {
      signal: control.signal,
      onprogress: () => control.abort(),
    });
    expect(await running.catch(String)).toContain("AbortError");
    expect(await a.call("echo", { message: "next" })).toBe("Echo: next");
  });

  test("comes back by itself after a crash, and its clients do not notice", async () => {
    await using service = await everything(kind);
    await using daemon = await Daemon.start({ mcpServers: { far: entry(service) } });
    await using official = await Official.connect(daemon, "v2 http", "far");
    await official.call("echo", { message: "before" });
    await service.crash();
    const condition = await conditionOf(daemon.home, "upstream.failed");
    expect(condition).toMatchObject({ subject: "far", severity: "error" });
    expect(condition.text).toContain(entry(service).url);
    await service.restart();
    await upstreamOf(daemon.home, "far", ({ state }) => state === "ready");
    expect(await official.call("echo", { message: "after" })).toBe("Echo: after");
    expect((await daemon.health())["status"]).toBe("healthy");
  });
});

describe("mcpd behind mcpd", () => {
  test("passes calls, progress and logs through both", async () => {
    await using inner = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
    using home = new Home();
    const key = home.directory.file("inner-key");
    writeFileSync(key, inner.key, { mode: 0o600 });
    const headers = { Authorization: { file: key, prefix: "Bearer " } };
    const mcpServers = {
      http: { url: inner.mcpUrl("echo"), headers },
      sse: { type: "sse", url: `${inner.urls.sse}/echo`, headers },
    };
    await using outer = await Daemon.start({ mcpServers }, { home });
    for (const name of Object.keys(mcpServers)) {
      const client = await outer.connect(name);
      expect(await client.call("add", { a: 40, b: 2 })).toBe("42");
      expect(await client.call("huge", { bytes: 3_000_000 })).toHaveLength(3_000_000);
    }
    expect((await inner.health())["status"]).toBe("healthy");
    expect(outer.log() + outer.log("upstream-http.log")).not.toContain(inner.key);
    expect((await outer.run("status", "--json")).stdout).not.toContain(inner.key);
  });

  test("brings a question of the server to the client whose call caused it", async () => {
    await using inner = await Daemon.start({
      daemon: { auth: "none" },
      mcpServers: { echo: fixture("echo.ts") },
    });
    await using outer = await Daemon.start({ mcpServers: { far: { url: inner.mcpUrl("echo") } } });
    const ask = async (name: string): Promise<string> => {
      const client = new Client({ name, version: "1" }, { capabilities: { elicitation: {} } });
      client.setRequestHandler(ElicitRequestSchema, () => ({
        action: "accept",
        content: { name },
      }));
      const requestInit = { headers: { "x-api-key": outer.key } };
      const url = new URL(outer.mcpUrl("far"));
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
      const result = await client.callTool({
        name: "ask",
        arguments: { method: "elicitation/create" },
      });
      await client.close();
      return JSON.stringify(result.content);
    };
    expect(await ask("one")).toContain("one");
    expect(await ask("other")).toContain("other");
  });

  test("says that the key is wrong, and takes the right one from a saved config", async () => {
    await using inner = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
    const far = (key: string): object => ({
      mcpServers: { far: { url: inner.mcpUrl("echo"), headers: { "X-API-Key": key } } },
    });
    await using outer = await Daemon.start(far("${WRONG:-wrong}"));
    const { exitCode, stderr } = await outer.run("call", "far", "add", "a=1", "b=2");
    expect(exitCode).toBe(77);
    expect(stderr).toContain("HTTP 401");
    expect(stderr).toContain("mcpServers.far.headers");
    outer.home.writeConfig(far(inner.key));
    await waitFor("the right key", async () => {
      const call = await outer.run("call", "far", "add", "a=1", "b=2");
      return call.stdout.trim() === "3";
    });
    expect((await outer.health())["status"]).toBe("healthy");
  });
});

describe("a remote upstream that", () => {
  test("dies in a call is told as unknown, and is back for the next one", async () => {
    await using service = await misbehaver();
    const far = { url: service.url("/mcp") };
    await using daemon = await Daemon.start({ mcpServers: { far } });
    const client = await daemon.connect("far");
    const { response } = await client.request("tools/call", { name: "die", arguments: {} });
    expect(response.error?.data).toMatchObject({ fault: "upstream.lost" });
    await service.ended();
    await service.restart();
    await upstreamOf(daemon.home, "far", ({ state }) => state === "ready");
    expect(await client.call("echo", { text: "again" })).toBe("again");
  });

  test("cuts one answer off loses that one, and never gets a call twice", async () => {
    await using service = await misbehaver();
    await using daemon = await Daemon.start({ mcpServers: { far: { url: service.url("/mcp") } } });
    const client = await daemon.connect("far");
    const { response } = await client.request("tools/call", { name: "drop", arguments: {} });
    expect(response.error?.message).toContain("may or may not have had its effect");
    expect(await client.call("count")).toBe("2");
    expect(await client.call("resume")).toBe("resumed");
    expect((await upstreamOf(daemon.home, "far")).restarts).toBe(0);
  });

  test("never answers meets the time-out, and an answer past the bound is refused", async () => {
    await using service = await misbehaver();
    const far = { url: service.url("/mcp"), timeout_secs: 0.3 };
    const server = { max_answer_bytes: 1_048_576 };
    await using daemon = await Daemon.start({ server, mcpServers: { far } });
    const client = await daemon.connect("far");
    const never = await client.request("tools/call", { name: "never", arguments: {} });
    expect(never.response.error?.data).toMatchObject({ fault: "exchange.timed-out" });
    const args = { name: "huge", arguments: { bytes: 2_000_000 } };
    const huge = await client.request("tools/call", args);
    expect(huge.response.error?.data).toMatchObject({ fault: "upstream.answer-too-large" });
    expect(await client.call("echo", { text: "fine" })).toBe("fine");
  });

  test("was away for long is there for the next call once it is back", async () => {
    using server = new RemoteServer();
    using tunnel = await openTunnel(server.port);
    const far = { url: `http://127.0.0.1:${tunnel.port}/mcp` };
    await using daemon = await Daemon.start({ mcpServers: { far } });
    const client = await daemon.connect("far");
    await client.call("count");
    tunnel.shut();
    await expect(client.call("count")).rejects.toThrow();
    // The fourth would come after two seconds.
    await waitFor("a long wait", async () => (await upstreamOf(daemon.home, "far")).restarts >= 3);
    tunnel.open();
    const startMs = performance.now();
    expect(await client.call("count")).toBe("2");
    expect(performance.now() - startMs).toBeLessThan(1_400);
  });

  test("is not there holds nobody up, and is there once it is", async () => {
    await using service = await misbehaver();
    await service.crash();
    const far = { url: service.url("/mcp?token=hidden") };
    const mcpServers = { echo: fixture("echo.ts"), far };
    await using daemon = await Daemon.start({ mcpServers });
    const all = await daemon.connect();
    expect(await all.call("add", { a: 1, b: 1 })).toBe("2");
    const condition = await conditionOf(daemon.home, "upstream.failed");
    expect(condition.text).toContain("the connection was refused");
    expect(JSON.stringify(condition)).not.toContain("hidden");
    await service.restart();
    const client = await daemon.connect("far");
    await waitFor("the upstream", async () => {
      const { response } = await client.request("tools/list");
      return response.error === undefined;
    });
    expect((await daemon.run("logs", "far")).stdout).toContain("connecting to");
    expect(daemon.log() + daemon.log("upstream-far.log")).not.toContain("hidden");
  });
});

describe("what a remote upstream tells unasked", () => {
  test("is that its lists have changed, also on a stream that was opened again", async () => {
    using server = new RemoteServer();
    await using daemon = await Daemon.start({ mcpServers: { far: { url: server.url } } });
    await using official = await Official.connect(daemon, "v1 http", "far");
    await waitFor("the stream", () => server.streams === 1);
    server.endStreams();
    await waitFor("another stream", () => server.streams === 1);
    server.addTool("fresh");
    await official.hears("notifications/tools/list_changed");
    const { tools } = await official.client.listTools();
    expect(tools.map(({ name }) => name)).toContain("fresh");
  });
});

describe("a remote upstream over WebSocket", () => {
  test("serves like any other", async () => {
    using server = new SocketServer();
    const headers = { Authorization: { env: "TOKEN", prefix: "Bearer " } };
    const mcpServers = { far: { type: "ws", url: server.url, headers } };
    await using daemon = await Daemon.start({ mcpServers }, { env: { TOKEN: "abc" } });
    const client = await daemon.connect("far");
    expect(await client.call("anything")).toBe("done");
    expect(server.seen).toEqual([{ protocol: "mcp", authorization: "Bearer abc" }]);
    expect(await upstreamOf(daemon.home, "far")).toMatchObject({ kind: "remote", state: "ready" });
  });

  test("answers too much: its caller learns that at once, and the others are served", async () => {
    using server = new SocketServer();
    const mcpServers = { far: { type: "ws", url: server.url } };
    await using daemon = await Daemon.start({
      server: { max_answer_bytes: 1_048_576 },
      mcpServers,
    });
    const client = await daemon.connect("far");
    const { response } = await client.request("tools/call", { name: "long", arguments: {} });
    expect(response.error).toMatchObject({
      message: expect.stringContaining("max_answer_bytes"),
      data: { fault: "upstream.answer-too-large", limitBytes: 1_048_576 },
    });
    expect(await client.call("anything")).toBe("done");
  });
});

describe("the sessions at a remote upstream", () => {
  test("are one for all, or with the scope session one for each client; no proxy is between", async () => {
    await using service = await misbehaver();
    const url = service.url("/mcp");
    const mcpServers = { shared: { url }, own: { url, scope: "session" } };
    // A proxy that is not even there: nothing on this machine is reached through one.
    const env = { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" };
    await using daemon = await Daemon.start({ mcpServers }, { env });
    const sessions = async (name: string): Promise<readonly string[]> => {
      const clients = [await daemon.connect(name), await daemon.connect(name)];
      return await Promise.all(clients.map((client) => client.call("session")));
    };
    const [one, same] = await sessions("shared");
    expect(one).toBe(same ?? "");
    const [mine, yours] = await sessions("own");
    expect(mine).toHaveLength(36);
    expect(mine).not.toBe(yours ?? "");
  });
});
