import { describe, expect, test } from "bun:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";

import { fault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import {
  type Doors,
  eventsOf,
  framesOf,
  KEY,
  next,
  notification,
  openDoors,
} from "../helpers/doors.ts";

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

/** An open stream: its events after the first, and where to post. */
async function connect(doors: Doors, path = "/sse") {
  const response = await doors.ask(path, { headers: { accept: "text/event-stream" } });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events = eventsOf(response);
  const [event = "", data = ""] = (await next(events)).split("\n");
  expect(event).toBe("event: endpoint");
  return { events, endpoint: data.slice("data: ".length) };
}

describe("GET /sse", () => {
  test("says where to post, and answers go on the stream", async () => {
    await using doors = openDoors();
    const { events, endpoint } = await connect(doors, "/sse/fs");
    expect(endpoint).toBe("/messages/?session_id=session-1");
    expect(doors.desk.session(0).opening).toMatchObject({
      view: { kind: "one", upstream: "fs" },
      door: "sse",
    });
    const response = await doors.ask(endpoint, { method: "POST", body: ping });
    expect(response.status).toBe(202);
    expect(await next(events)).toBe(`data: {"jsonrpc":"2.0","id":1,"result":{"method":"ping"}}`);
  });

  test("carries the key on for a client that can only use the URL", async () => {
    await using doors = openDoors();
    const response = await fetch(`${doors.url}/sse?api_key=${KEY}`, { headers: { accept: "*/*" } });
    const endpoint = (await next(eventsOf(response))).split("data: ")[1] ?? "";
    expect(endpoint).toBe(`/messages/?session_id=session-1&api_key=${KEY}`);
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", body: ping, headers };
    expect((await fetch(`${doors.url}${endpoint}`, init)).status).toBe(202);
    const keyless = endpoint.replace(/&api_key=.*/, "");
    expect((await fetch(`${doors.url}${keyless}`, init)).status).toBe(401);
  });

  test("carries what belongs to no request", async () => {
    await using doors = openDoors();
    const { events } = await connect(doors);
    doors.desk.session(0).listener?.write(notification("one"), false);
    expect(await next(events)).toBe(`data: ${notification("one")}`);
    doors.clock.beat(LIMITS.quietBeats);
    expect(await next(events)).toBe(": keep-alive");
  });

  test("ends the session when the client leaves", async () => {
    await using doors = openDoors();
    const leaving = new AbortController();
    const response = await doors.ask("/sse", { signal: leaving.signal });
    const endpoint = (await next(eventsOf(response))).split("data: ")[1] ?? "";
    leaving.abort();
    await doors.desk.until(() => doors.desk.session(0).closed);
    expect((await doors.ask(endpoint, { method: "POST", body: ping })).status).toBe(404);
  });

  test("ends the session of a client that never reads", async () => {
    await using doors = openDoors();
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: doors.listener.port,
      socket: { data: () => {}, close: () => resolve() },
    });
    socket.pause();
    socket.write(`GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: ${KEY}\r\n\r\n`);
    await doors.desk.until(() => doors.desk.sessions.length > 0);
    const text = JSON.stringify({ text: "x".repeat(65_536) });
    for (let count = 0; count < 1_000 && !doors.desk.session(0).closed; count += 1) {
      doors.desk.session(0).listener?.write(text, false);
      await Bun.sleep(0);
    }
    expect(doors.desk.session(0).closed).toBe(true);
    socket.resume();
    await gone;
  }, 20_000);

  test("refuses what it cannot serve", async () => {
    await using doors = openDoors();
    expect((await doors.ask("/sse", { headers: { accept: "application/json" } })).status).toBe(406);
    expect((await doors.ask("/sse/nope")).status).toBe(404);
    expect((await doors.ask("/sse/a/b")).status).toBe(404);
    expect((await doors.ask("/sse?project=here")).status).toBe(400);
    const post = await doors.ask("/sse", { method: "POST", body: ping });
    expect(post.status).toBe(405);
    expect(post.headers.get("allow")).toBe("GET");
  });
});

describe("POST /messages/", () => {
  test("refuses what is no message of a session", async () => {
    await using doors = openDoors({}, 1_000);
    const { endpoint } = await connect(doors);
    const status = async (path: string, init: RequestInit) => (await doors.ask(path, init)).status;
    expect(await status("/messages/", { method: "POST", body: ping })).toBe(400);
    expect(await status("/messages/?session_id=x", { method: "POST", body: ping })).toBe(404);
    expect(await status(endpoint, { method: "POST", body: "{" })).toBe(400);
    expect(await status(endpoint, { method: "POST", body: `[${ping}]` })).toBe(400);
    expect(await status(endpoint, { method: "POST", body: "x".repeat(1_001) })).toBe(413);
    expect(await status(endpoint, {})).toBe(405);
    const headers = { "content-type": "text/plain" };
    expect(await status(endpoint, { method: "POST", body: ping, headers })).toBe(415);
  });
});

describe("the official client over SSE", () => {
  test("sees progress that comes right before its result", async () => {
    await using doors = openDoors();
    const client = new Client({ name: "test", version: "1" });
    await client.connect(new SSEClientTransport(new URL(`${doors.url}/sse?api_key=${KEY}`)));
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress);
    await client.request({ method: "progress" }, ResultSchema, { onprogress });
    expect(seen).toEqual([1]);
    await client.close();
  });
});

const hello = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2024-11-05" },
});
const wait = '{"jsonrpc":"2.0","id":7,"method":"wait"}';

/** A client that is told the ids of its events and can leave. */
async function begin(doors: Doors) {
  const leaving = new AbortController();
  const frames = framesOf(await doors.ask("/sse", { signal: leaving.signal }));
  const [, endpoint = ""] = /data: (.*)/.exec(await next(frames)) ?? [];
  await doors.ask(endpoint, { method: "POST", body: hello });
  const lastId = idIn(await next(frames));
  const session = doors.desk.session(doors.desk.sessions.length - 1);
  const gone = doors.desk.until(() => session.listener === null);
  const leave = async (): Promise<void> => {
    leaving.abort();
    await gone;
  };
  return { session, endpoint, lastId, leave };
}

const idIn = (frame: string): string => /^id: (.*)$/m.exec(frame)?.[1] ?? "";

/** What GET /sse gives to a client that names an event. */
const comeBack = (doors: Doors, id: string, path = "/sse"): Promise<Response> =>
  doors.ask(path, { headers: { "last-event-id": id } });

describe("a client over SSE that comes back", () => {
  test("gets what it has missed, once, and posts where it did before", async () => {
    await using doors = openDoors();
    const { session, endpoint, lastId, leave } = await begin(doors);
    await doors.ask(endpoint, { method: "POST", body: wait });
    await leave();
    const [call] = session.waiting;
    call?.channel.write('{"jsonrpc":"2.0","id":7,"result":{}}', true);
    const back = framesOf(await comeBack(doors, lastId));
    const missed = await next(back);
    expect(missed).toContain('"id":7');
    expect(await next(back)).toBe(": keep-alive");
    await doors.ask(endpoint, { method: "POST", body: ping });
    expect(await next(back)).toContain('"method":"ping"');
    expect(doors.desk.sessions).toHaveLength(1);
    const again = framesOf(await comeBack(doors, idIn(missed)));
    expect(await next(again)).toContain('"method":"ping"');
  });

  test("says who it is by a POST where it did before, when it forgets the event", async () => {
    await using doors = openDoors();
    const { session, endpoint, leave } = await begin(doors);
    const second = await begin(doors);
    await doors.ask(endpoint, { method: "POST", body: wait });
    await leave();
    session.waiting[0]?.channel.write('{"jsonrpc":"2.0","id":7,"result":{}}', true);
    const headers = { "mcp-protocol-version": "2024-11-05" };
    const back = framesOf(await doors.ask("/sse", { headers }));
    const { id, method } = JSON.parse((await next(back)).replace("data: ", ""));
    expect(method).toBe("ping");
    const body = JSON.stringify({ jsonrpc: "2.0", id, result: {} });
    expect((await doors.ask(endpoint, { method: "POST", body })).status).toBe(202);
    expect(await next(back)).toContain('"id":7');
    expect(second.session.listener).not.toBeNull();
    expect(doors.desk.sessions).toHaveLength(2);
  });

  test("is a new one when it does not say who it is", async () => {
    await using doors = openDoors();
    const headers = { "mcp-protocol-version": "2024-11-05" };
    const events = framesOf(await doors.ask("/sse", { headers }));
    expect(await next(events)).toContain("ping");
    doors.clock.pass();
    expect(await next(events)).toContain("event: endpoint");
    expect(doors.desk.sessions).toHaveLength(1);
  });

  test("opens no session when it has left before it said who it is", async () => {
    await using doors = openDoors();
    const leaving = new AbortController();
    const headers = { "mcp-protocol-version": "2024-11-05" };
    const init = { headers, signal: leaving.signal };
    expect(await next(framesOf(await doors.ask("/sse", init)))).toContain("ping");
    leaving.abort();
    // The runtime tells the end of a request when the next one is at hand.
    await (await doors.ask("/sse")).body?.cancel();
    doors.clock.pass();
    expect(doors.desk.sessions).toHaveLength(1);
  });

  test("goes on after a time that is too long for what was in flight", async () => {
    await using doors = openDoors();
    const { session, lastId, leave } = await begin(doors);
    await leave();
    doors.clock.pass();
    expect([session.asleep, session.closed]).toEqual([true, false]);
    expect((await comeBack(doors, lastId)).status).toBe(200);
    expect(session.listener).not.toBeNull();
  });

  test("gets the answer that came while it was away, also when its session sleeps by then", async () => {
    await using doors = openDoors();
    const { session, endpoint, lastId, leave } = await begin(doors);
    await doors.ask(endpoint, { method: "POST", body: wait });
    await leave();
    session.waiting[0]?.channel.write('{"jsonrpc":"2.0","id":7,"result":{}}', true);
    doors.clock.pass();
    expect(session.asleep).toBe(true);
    const woken = doors.desk.wake(session);
    const back = framesOf(await comeBack(doors, lastId));
    expect(await next(back)).toContain('"id":7');
    await doors.desk.until(() => woken.listener !== null);
  });

  test("is not given a session of another view, another principal, or none", async () => {
    await using doors = openDoors();
    const { lastId, session } = await begin(doors);
    expect((await comeBack(doors, lastId, "/sse/fs")).status).toBe(404);
    expect((await comeBack(doors, `x${lastId}`)).status).toBe(404);
    const there = { "mcp-session-id": session.id };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
    const other = await doors.ask("/mcp", { method: "POST", headers: there, body });
    expect(other.status).toBe(404);
    session.close();
    expect((await comeBack(doors, lastId)).status).toBe(404);
    expect((await comeBack(doors, "of another server")).status).toBe(200);
    expect(doors.desk.sessions).toHaveLength(2);
  });

  test("is told to come back later while nobody is let in: an error would end it", async () => {
    await using doors = openDoors();
    const { lastId } = await begin(doors);
    doors.desk.find = () => fault("daemon.unreachable", "The daemon is stopping");
    const answer = await comeBack(doors, lastId);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(await answer.text()).toMatch(/^retry: \d+\n\n$/);
  });
});
