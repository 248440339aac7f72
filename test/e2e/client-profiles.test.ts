import { expect, test } from "bun:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { fixture } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";

// What the config says of kinds of clients (MISSION D6).

const mcpServers = { echo: fixture("echo.ts"), more: fixture("echo.ts", "--name=more") };

test("a client is shown what its profile says, as soon as the config says so", async () => {
  await using daemon = await Daemon.start({ mcpServers });
  const client = new Client({ name: "model", version: "1" });
  const requestInit = { headers: { "x-api-key": daemon.key } };
  const url = new URL(daemon.mcpUrl());
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  const names = async (): Promise<readonly string[]> =>
    (await client.listTools()).tools.map(({ name }) => name);
  expect((await names()).length).toBeGreaterThan(10);
  daemon.home.writeConfig({ clients: { model: { mode: "search" } }, mcpServers });
  await waitFor("the short list", async () => (await names()).length === 4);
  const found = await client.callTool({ name: "search_tools", arguments: { query: "echo text" } });
  expect(JSON.stringify(found)).toContain("echo__echo");
  const call = { name: "echo__echo", arguments: { text: "through" } };
  expect(await client.callTool({ name: "call_tool", arguments: call })).toMatchObject({
    content: [{ text: "through" }],
  });
  const { stdout } = await daemon.run("tools");
  expect(stdout).toContain("echo__echo");
  await client.close();
});
