import { expect, test } from "bun:test";
import { join } from "node:path";

import { LineClient, textOf } from "../helpers/line-client.ts";
import { fixture, program } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { statusOf } from "./status.ts";

// Clients of 2026-07-28 on wires that carry whole messages: no handshake, each request for itself.

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };

const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": { name: "modern", version: "1" },
};

const modern = (params: object = {}, meta: object = {}): object => ({
  ...params,
  _meta: { ...ENVELOPE, ...meta },
});

test("a modern client is served through a bridge without a handshake", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const { env, path: cwd } = daemon.home;
  const words = [program(), "bridge", "--server", "echo"];
  await using client = new LineClient(words, { cwd, env });
  const found = await client.request("d", "server/discover", modern());
  expect(found.result).toMatchObject({ supportedVersions: ["2026-07-28"] });
  const call = modern({ name: "echo", arguments: { text: "hi" } });
  expect(textOf(await client.request(1, "tools/call", call))).toBe("hi");
  const steps = modern({ name: "progress", arguments: { steps: 2 } }, { progressToken: "mine" });
  expect(textOf(await client.request(2, "tools/call", steps))).toBe("2 steps");
  const progress = client.said.filter(({ method }) => method === "notifications/progress");
  expect(progress.map(({ params }) => params?.["progressToken"])).toEqual(["mine", "mine"]);
  expect(await client.end()).toBe(0);
});

test("a modern client cancels, listens, and is told what is wrong with its envelope", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const { env, path: cwd } = daemon.home;
  await using client = new LineClient([program(), "bridge"], { cwd, env });
  client.ask(1, "tools/call", modern({ name: "never", arguments: {} }));
  await waitFor("the call", async () => (await statusOf(daemon.home))?.inFlight === 1);
  client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
  await waitFor("no call", async () => (await statusOf(daemon.home))?.inFlight === 0);
  const notifications = { toolsListChanged: true };
  client.ask("l", "subscriptions/listen", modern({ notifications }));
  await client.heard("notifications/subscriptions/acknowledged");
  const changing = modern({ name: "change", arguments: { list: "tools" } });
  expect(textOf(await client.request(2, "tools/call", changing))).toBe("tools changed");
  const news = await client.heard("notifications/tools/list_changed");
  expect(news.params?.["_meta"]).toMatchObject({ "io.modelcontextprotocol/subscriptionId": "l" });
  const old = modern({}, { "io.modelcontextprotocol/protocolVersion": "2030-01-01" });
  expect((await client.request(3, "tools/list", old)).error?.code).toBe(-32022);
  const bare = { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };
  expect((await client.request(4, "tools/list", bare)).error?.code).toBe(-32602);
  expect(client.said.some(({ id }) => id === 1)).toBe(false);
  expect(await client.end()).toBe(0);
  await waitFor("nothing to be left", async () => (await statusOf(daemon.home))?.sessions === 0);
});

test("a subscription of a modern client goes on under another daemon", async () => {
  const first = await Daemon.start({ ...CONFIG, daemon: { auto_start: false } });
  using home = first.home;
  await using client = new LineClient([program(), "bridge"], { cwd: home.path, env: home.env });
  client.ask("l", "subscriptions/listen", modern({ notifications: { toolsListChanged: true } }));
  await client.heard("notifications/subscriptions/acknowledged");
  await first.kill();
  await using _second = await Daemon.start(null, { home });
  // Under the new daemon they may be others.
  await client.heard("notifications/tools/list_changed");
  const changing = modern({ name: "change", arguments: { list: "tools" } });
  expect(textOf(await client.request(2, "tools/call", changing))).toBe("tools changed");
  await waitFor("the change", () => {
    const method = "notifications/tools/list_changed";
    return client.said.filter((message) => message.method === method).length === 2;
  });
  expect(await client.end()).toBe(0);
});

test("a modern client hears of its task, which is nobody else's", async () => {
  const words = ["run", join(ROOT, "test", "conformance", "tasks-fixture.ts"), "stdio"];
  const jobs = { command: process.execPath, args: words };
  await using daemon = await Daemon.start({ mcpServers: { jobs, ...CONFIG.mcpServers } });
  const { env, path: cwd } = daemon.home;
  await using client = new LineClient([program(), "bridge"], { cwd, env });
  const extensions = { "io.modelcontextprotocol/tasks": {} };
  const able = { "io.modelcontextprotocol/clientCapabilities": { extensions } };
  const call = modern({ name: "slow_compute", arguments: { seconds: 0.3 } }, able);
  const begun = await client.request(1, "tools/call", call);
  expect(begun.result).toMatchObject({ resultType: "task", status: "working" });
  const taskId = String(begun.result?.["taskId"]);
  const notifications = { taskIds: [taskId] };
  client.ask("l", "subscriptions/listen", modern({ notifications }, able));
  const { params } = await client.heard("notifications/subscriptions/acknowledged");
  expect(params?.["notifications"]).toEqual(notifications);
  expect((await client.heard("notifications/tasks")).params).toMatchObject({
    taskId,
    status: "completed",
    _meta: { "io.modelcontextprotocol/subscriptionId": "l" },
  });
  const got = await client.request(2, "tasks/get", modern({ taskId }, able));
  expect(got.result).toMatchObject({ taskId, status: "completed" });
  // Another principal: this one came with the API key.
  const body = { jsonrpc: "2.0", id: 1, method: "tasks/get", params: modern({ taskId }, able) };
  const headers = {
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
    "x-api-key": daemon.key,
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tasks/get",
    "mcp-name": taskId,
  };
  const post = { method: "POST", headers, body: JSON.stringify(body) };
  const other = JSON.parse(await (await fetch(daemon.mcpUrl("jobs"), post)).text());
  expect(other.error).toMatchObject({ code: -32602, data: { fault: "task.unknown" } });
  expect(await client.end()).toBe(0);
});

test("a modern client is served over a WebSocket", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const url = `${daemon.origin.replace("http", "ws")}/ws/echo?api_key=${daemon.key}`;
  const socket = new WebSocket(url);
  const { promise: opened, resolve } = Promise.withResolvers<void>();
  socket.onopen = () => resolve();
  await opened;
  const { promise: answered, resolve: answer } = Promise.withResolvers<unknown>();
  socket.onmessage = ({ data }) => answer(JSON.parse(String(data)));
  const params = modern({ name: "echo", arguments: { text: "framed" } });
  socket.send(JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/call", params }));
  expect(await answered).toMatchObject({ id: 9, result: { content: [{ text: "framed" }] } });
  socket.close();
  await waitFor("nothing to be left", async () => (await statusOf(daemon.home))?.sessions === 0);
});
