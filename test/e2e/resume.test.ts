import { expect, test } from "bun:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { fixture } from "../helpers/program.ts";
import { openTunnel } from "../helpers/tunnel.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { upstreamOf } from "./status.ts";

// The official client comes back by itself; the network between it and the daemon breaks.

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };

test("a call whose connection breaks while it is worked on is answered all the same", async () => {
  await using daemon = await Daemon.start(CONFIG);
  using tunnel = await openTunnel(Number(new URL(daemon.origin).port));
  const client = new Client({ name: "cut off", version: "1" });
  const requestInit = { headers: { "x-api-key": daemon.key } };
  const url = new URL(`http://127.0.0.1:${tunnel.port}/mcp/echo`);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  const steps: number[] = [];
  const call = client.callTool({ name: "steps", arguments: { ms: 1_500 } }, undefined, {
    onprogress: ({ progress }) => void steps.push(progress),
  });
  await waitFor("the first step", () => steps.length > 0);
  tunnel.cut();
  expect(await call).toMatchObject({ content: [{ text: "done after 1500 ms" }] });
  const { calls } = await upstreamOf(daemon.home, "echo", () => true);
  expect(calls).toBe(1);
  await client.close();
});

test("news that come while the stream for them is broken are not lost", async () => {
  await using daemon = await Daemon.start(CONFIG);
  using tunnel = await openTunnel(Number(new URL(daemon.origin).port));
  const client = new Client({ name: "cut off", version: "1" });
  const heard: string[] = [];
  client.fallbackNotificationHandler = async ({ method }) => void heard.push(method);
  const requestInit = { headers: { "x-api-key": daemon.key } };
  const url = new URL(`http://127.0.0.1:${tunnel.port}/mcp/echo`);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  await client.listTools();
  const other = await daemon.connect("echo");
  await other.call("change", { list: "tools" });
  await waitFor("the news", () => heard.length === 1);
  tunnel.cut();
  await other.call("change", { list: "prompts" });
  await waitFor("the other news", () => heard.includes("notifications/prompts/list_changed"));
  expect(heard.filter((method) => method === "notifications/tools/list_changed")).toHaveLength(1);
  await client.close();
});
