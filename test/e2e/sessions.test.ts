import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

import { freePort } from "../helpers/port.ts";
import { fixture } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";

// A client of Streamable HTTP keeps its session, whatever happens to the daemon (MISSION D2).

const URI = "note://1";

/** Daemons that follow each other in one home, on one port. */
class Succession implements Disposable {
  readonly home = new Home();
  readonly port = freePort();

  constructor() {
    this.home.writeConfig({ mcpServers: { echo: fixture("echo.ts") } });
  }

  next(): Promise<Daemon> {
    return Daemon.start(null, { home: this.home, port: this.port });
  }

  get databaseFile(): string {
    return join(this.home.platform.paths.dataDir, "sessions.db");
  }

  [Symbol.dispose](): void {
    this.home[Symbol.dispose]();
  }
}

/** The official client, which knows nothing of what happens, and what it is told. */
async function officialClient(daemon: Daemon): Promise<{ client: Client; updates: string[] }> {
  const client = new Client({ name: "steady", version: "1" });
  const updates: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    updates.push(params.uri);
  });
  const requestInit = { headers: { "x-api-key": daemon.key } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(daemon.mcpUrl("echo")), {
      requestInit,
      reconnectionOptions: {
        initialReconnectionDelay: 50,
        maxReconnectionDelay: 200,
        reconnectionDelayGrowFactor: 1.5,
        maxRetries: 100,
      },
    }),
  );
  return { client, updates };
}

test("an official client goes on after a kill -9: same session, subscriptions restored", async () => {
  using line = new Succession();
  const first = await line.next();
  const { client, updates } = await officialClient(first);
  await client.listTools();
  await client.subscribeResource({ uri: URI });
  await first.kill();
  await using second = await line.next();
  const call = (): Promise<unknown> => client.callTool({ name: "touch", arguments: { uri: URI } });
  expect(await call()).toMatchObject({ content: [{ text: "told" }] });
  await waitFor("the update on the stream that came back", () => updates.includes(URI));
  expect(await second.health()).toMatchObject({ status: "healthy" });
  await client.close();
});

test("a session outlives several restarts with its log level, and ends when it is deleted", async () => {
  using line = new Succession();
  const first = await line.next();
  const client = await first.connect("echo");
  await client.request("logging/setLevel", { level: "error" });
  await first.stop();
  const second = await line.next();
  expect(await client.call("echo", { text: "again" })).toBe("again");
  await second.stop();
  await using third = await line.next();
  expect(await client.call("echo", { text: "and again" })).toBe("and again");
  const headers = { "x-api-key": third.key, "mcp-session-id": client.sessionId ?? "" };
  const remove = await fetch(third.mcpUrl("echo"), { method: "DELETE", headers });
  expect(remove.status).toBe(200);
  await third.stop();
  await using fourth = await line.next();
  const gone = await fetch(fourth.mcpUrl("echo"), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  });
  expect(gone.status).toBe(404);
});

test("a session belongs to its view and principal after a restart as well", async () => {
  using line = new Succession();
  const first = await line.next();
  const client = await first.connect("echo");
  await first.kill();
  await using second = await line.next();
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const post = async (url: string, key: string): Promise<number> => {
    const headers = { "mcp-session-id": client.sessionId ?? "", "x-api-key": key };
    const type = { "content-type": "application/json" };
    const init = { method: "POST", body: ping, headers: { ...headers, ...type } };
    return (await fetch(url, init)).status;
  };
  expect(await post(second.mcpUrl("echo"), "not the key")).toBe(401);
  expect(await post(second.urls.mcp, second.key)).toBe(404);
  expect(await post(second.mcpUrl("echo"), second.key)).toBe(200);
});

test("what is on the disk lets nobody into a session", async () => {
  using line = new Succession();
  await using daemon = await line.next();
  const client = await daemon.connect("echo");
  await daemon.stop();
  expect(readFileSync(line.databaseFile, "latin1")).not.toContain(client.sessionId ?? "?");
  expect(readFileSync(line.databaseFile, "latin1")).toContain("2025-06-18");
});

test("a file that is no database is set aside, and the daemon goes on", async () => {
  using line = new Succession();
  const first = await line.next();
  await first.connect("echo");
  await first.stop();
  writeFileSync(line.databaseFile, "no database".repeat(1000));
  const second = await line.next();
  const client = await second.connect("echo");
  await second.stop();
  expect(readFileSync(`${line.databaseFile}.damaged`, "utf8")).toStartWith("no database");
  await using third = await line.next();
  expect(await client.call("echo", { text: "kept" })).toBe("kept");
  expect(await third.health()).toMatchObject({ status: "healthy" });
});

test("a file of a newer mcpd is left alone: sessions are not kept, and it is said", async () => {
  using line = new Succession();
  const first = await line.next();
  await first.connect("echo");
  await first.stop();
  const { Database } = await import("bun:sqlite");
  using database = new Database(line.databaseFile);
  database.run("PRAGMA user_version = 99");
  await using second = await line.next();
  const client = await second.connect("echo");
  expect(await client.call("echo", { text: "works" })).toBe("works");
  await waitFor("the condition", async () =>
    (await second.run("status")).stdout.includes("Sessions are not kept"),
  );
});

test("more sessions than fit in memory: those that sleep wake up, none is lost", async () => {
  const config = { server: { sessions_max: 2 }, mcpServers: { echo: fixture("echo.ts") } };
  await using daemon = await Daemon.start(config);
  const clients = [];
  for (let number = 0; number < 5; number++) clients.push(await daemon.connect("echo"));
  for (const [number, client] of clients.entries()) {
    expect(await client.call("echo", { text: `client ${number}` })).toBe(`client ${number}`);
  }
});
