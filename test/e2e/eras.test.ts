import { expect, test } from "bun:test";

import { LineClient, textOf } from "../helpers/line-client.ts";
import { fixture, program } from "../helpers/program.ts";
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
  await waitFor("the second acknowledgement", () => {
    const method = "notifications/subscriptions/acknowledged";
    return client.said.filter((message) => message.method === method).length === 2;
  });
  const changing = modern({ name: "change", arguments: { list: "tools" } });
  expect(textOf(await client.request(2, "tools/call", changing))).toBe("tools changed");
  await client.heard("notifications/tools/list_changed");
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
