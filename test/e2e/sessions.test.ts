import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { WebSocket } from "ws";

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

  /** Whether it is on the disk that a client waits for an answer. */
  owes(): boolean {
    using database = new Database(this.databaseFile, { readonly: true });
    const rows = database.query("SELECT id FROM sessions WHERE body LIKE '%\"owed\":[_%]%'").all();
    return rows.length > 0;
  }

  [Symbol.dispose](): void {
    this.home[Symbol.dispose]();
  }
}

/** The official client, which knows nothing of what happens, and what it is told. */
async function officialClient(
  daemon: Daemon,
  door: "http" | "sse" = "http",
): Promise<{ client: Client; updates: string[] }> {
  const client = new Client({ name: "steady", version: "1" });
  const updates: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    updates.push(params.uri);
  });
  const requestInit = { headers: { "x-api-key": daemon.key } };
  const reconnectionOptions = {
    initialReconnectionDelay: 50,
    maxReconnectionDelay: 200,
    reconnectionDelayGrowFactor: 1.5,
    maxRetries: 100,
  };
  const transport =
    door === "sse"
      ? new SSEClientTransport(new URL(`${daemon.urls.sse}/echo`), { requestInit })
      : new StreamableHTTPClientTransport(new URL(daemon.mcpUrl("echo")), {
          requestInit,
          reconnectionOptions,
        });
  await client.connect(transport);
  return { client, updates };
}

type Message = { readonly [key: string]: unknown };

/** A client over WebSocket that reads what the handshake says, with or without a session. */
async function socketTo(daemon: Daemon, session: string | null) {
  const headers = {
    "x-api-key": daemon.key,
    ...(session === null ? {} : { "mcp-session-id": session }),
  };
  const socket = new WebSocket(`${daemon.origin.replace("http", "ws")}/ws/echo`, { headers });
  const heard: Message[] = [];
  socket.on("message", (data) => void heard.push(JSON.parse((data as Buffer).toString())));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.on("upgrade", (answer) => resolve(String(answer.headers["mcp-session-id"])));
  socket.on("error", reject);
  const id = await promise;
  const ask = async (number: number, method: string, params: Message = {}): Promise<Message> => {
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: number, method, params }));
    return await waitFor(method, () => heard.find((message) => message["id"] === number));
  };
  return { socket, heard, id, ask };
}

const TOUCH = { name: "touch", arguments: { uri: URI } };

for (const door of ["http", "sse"] as const) {
  test(`an official client over ${door} goes on after a kill -9: same session, subscriptions restored`, async () => {
    using line = new Succession();
    const first = await line.next();
    const { client, updates } = await officialClient(first, door);
    await client.listTools();
    await client.subscribeResource({ uri: URI });
    await first.kill();
    await using second = await line.next();
    expect(await client.callTool(TOUCH)).toMatchObject({ content: [{ text: "told" }] });
    await waitFor("the update on the stream that came back", () => updates.includes(URI));
    expect(await second.health()).toMatchObject({ status: "healthy" });
    await client.close();
  });
}

for (const end of ["kill", "stop"] as const) {
  test(`a call over SSE that is in flight at the ${end} of the daemon is said to be lost`, async () => {
    using line = new Succession();
    const first = await line.next();
    const { client } = await officialClient(first, "sse");
    const call = client.callTool({ name: "never", arguments: {} });
    await waitFor("the call to be written down", () => line.owes());
    await first[end]();
    await using second = await line.next();
    await expect(call).rejects.toThrow("The daemon went away while it worked on the request");
    const echo = { name: "echo", arguments: { text: "on" } };
    expect(await client.callTool(echo)).toMatchObject({ content: [{ text: "on" }] });
    expect(await second.health()).toMatchObject({ status: "healthy" });
    await client.close();
  });
}

test("a WebSocket goes on after a kill -9 and a stop with the id that the handshake named", async () => {
  using line = new Succession();
  const first = await line.next();
  const opened = await socketTo(first, null);
  await opened.ask(1, "initialize", {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "steady", version: "1" },
  });
  await opened.ask(2, "resources/subscribe", { uri: URI });
  const cut = opened.ask(3, "tools/call", { name: "never", arguments: {} });
  cut.catch(() => undefined);
  await waitFor("the call to be written down", () => line.owes());
  await first.kill();
  const second = await line.next();
  const again = await socketTo(second, opened.id);
  expect(again.id).toBe(opened.id);
  await waitFor("the call to be given up", () => again.heard.some(({ id }) => id === 3));
  expect(again.heard.find(({ id }) => id === 3)).toMatchObject({
    error: { data: { fault: "daemon.lost" } },
  });
  expect(await again.ask(4, "tools/call", TOUCH)).toMatchObject({ result: {} });
  await waitFor("the update", () =>
    again.heard.some(({ method }) => method === "notifications/resources/updated"),
  );
  await second.stop();
  await using third = await line.next();
  const last = await socketTo(third, opened.id);
  expect(await last.ask(5, "ping")).toMatchObject({ result: {} });
  await expect(socketTo(third, "unknown")).rejects.toThrow("404");
  last.socket.close();
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

test("a session belongs to its view, principal and door after a restart as well", async () => {
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
  const messages = `${second.origin}/messages/?session_id=${client.sessionId}`;
  expect(await post(messages, second.key)).toBe(404);
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
  // They hold what is gone: SQLite would go on with that.
  for (const log of ["-wal", "-shm"]) rmSync(line.databaseFile + log);
  const second = await line.next();
  const client = await second.connect("echo");
  await second.stop();
  expect(second.log()).toContain(`it was damaged, and is ${line.databaseFile}.damaged now`);
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
