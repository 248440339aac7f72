import { expect, test } from "bun:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";

import { fixture } from "../helpers/program.ts";
import { openTunnel } from "../helpers/tunnel.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { Official } from "./official.ts";
import { statusOf } from "./status.ts";

// What the official client can do over a WebSocket is in sharing.test.ts, with all other doors.

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };

function socketUrl(daemon: Daemon, path = "/ws"): URL {
  return new URL(path, daemon.origin.replace("http", "ws"));
}

test("a WebSocket without the key is refused", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const client = new Client({ name: "keyless", version: "1" });
  await expect(client.connect(new WebSocketClientTransport(socketUrl(daemon)))).rejects.toThrow();
  expect((await statusOf(daemon.home))?.sessions).toBe(0);
});

test("fifty clients over WebSockets share one process, and leave no session behind", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const clients = await Promise.all(
    Array.from({ length: 50 }, () => Official.connect(daemon, "v1 ws", "echo")),
  );
  const sums = await Promise.all(clients.map((client, a) => client.call("add", { a, b: 1 })));
  expect(sums).toEqual(clients.map((_, a) => String(a + 1)));
  expect(JSON.parse((await clients[0]?.call("stats")) ?? "").initializes).toBe(1);
  for (const client of clients) await client[Symbol.asyncDispose]();
  await waitFor("the sessions to end", async () => (await statusOf(daemon.home))?.sessions === 0);
});

test("a client that leaves has its call cancelled at the upstream", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const leaving = await Official.connect(daemon, "v1 ws", "echo");
  const call = leaving.call("never").catch((error: unknown) => error);
  await waitFor("the call", async () => (await statusOf(daemon.home))?.inFlight === 1);
  await leaving[Symbol.asyncDispose]();
  expect(await call).toBeInstanceOf(Error);
  const other = await daemon.connect("echo");
  await waitFor("the cancellation", async () => {
    const { cancelled } = JSON.parse(await other.call("stats"));
    return cancelled.length === 1;
  });
});

test("all doors work through a tunnel whose near end has another port", async () => {
  await using daemon = await Daemon.start(CONFIG);
  using tunnel = await openTunnel(Number(new URL(daemon.origin).port));
  const at = (scheme: string, path: string): URL =>
    new URL(`${scheme}://localhost:${tunnel.port}${path}?api_key=${daemon.key}`);
  const transports = [
    new StreamableHTTPClientTransport(at("http", "/mcp/echo")),
    new SSEClientTransport(at("http", "/sse/echo")),
    new WebSocketClientTransport(at("ws", "/ws/echo")),
  ];
  for (const transport of transports) {
    const client = new Client({ name: "remote", version: "1" });
    await client.connect(transport);
    const answer = await client.callTool({ name: "echo", arguments: { text: "from afar" } });
    expect(answer).toMatchObject({ content: [{ text: "from afar" }] });
    await client.close();
  }
});
