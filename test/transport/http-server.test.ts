import { describe, expect, test } from "bun:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";

import { LIMITS } from "../../src/core/limits.ts";
import { projectOf } from "../../src/transport/accept.ts";
import { type Doors, eventsOf, next, notification, openDoors, result } from "../helpers/doors.ts";

function call(method: string, params: { [key: string]: unknown } = {}, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

function post(doors: Doors, body: BodyInit, headers: { [name: string]: string } = {}) {
  return doors.ask("/mcp", { method: "POST", body, headers });
}

/** A session that speaks a revision; its id as a header. */
async function initialized(doors: Doors, protocolVersion = "2025-11-25", path = "/mcp") {
  const body = call("initialize", { protocolVersion });
  const response = await doors.ask(path, { method: "POST", body });
  expect(response.status).toBe(200);
  return { "mcp-session-id": response.headers.get("mcp-session-id") ?? "" };
}

async function refused(response: Response) {
  const body = (await response.json()) as { id: unknown; error: { code: number; data: unknown } };
  return { status: response.status, id: body.id, code: body.error.code, data: body.error.data };
}

describe("POST /mcp", () => {
  test("opens a session with initialize and names it in the answer", async () => {
    await using doors = openDoors();
    const body = call("initialize", { protocolVersion: "2025-06-18" });
    const response = await doors.ask("/mcp/fs?project=/home/me/p", { method: "POST", body });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("mcp-session-id")).toBe("session-1");
    expect(doors.desk.session(0).opening).toEqual({
      view: { kind: "one", upstream: "fs" },
      principal: "key",
      project: "/home/me/p",
      door: "http",
    });
  });

  test("forgets a session whose initialize was refused", async () => {
    await using doors = openDoors();
    const response = await post(doors, call("initialize", { protocolVersion: "refuse me" }));
    expect(response.headers.get("mcp-session-id")).toBeNull();
    expect(doors.desk.session(0).closed).toBe(true);
  });

  test("answers a call that is answered at once with plain JSON", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const response = await post(doors, call("tools/call", { name: "x" }, "seven"), session);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("mcp-session-id")).toBeNull();
    expect(await response.json()).toEqual({
      jsonrpc: "2.0",
      id: "seven",
      result: { method: "tools/call", name: "x" },
    });
  });

  test("answers a call that is answered later with plain JSON", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const pending = post(doors, call("wait"), session);
    await doors.desk.until(() => doors.desk.session(0).waiting.length === 1);
    const [{ request, channel } = { request: undefined, channel: undefined }] =
      doors.desk.session(0).waiting;
    if (request === undefined) throw new Error("nothing waits");
    expect(channel.mustAnswer).toBe(true);
    channel.write(result(request, "late"), true);
    const response = await pending;
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ result: "late" });
  });

  test("becomes an event stream with the first notification", async () => {
    await using doors = openDoors();
    const response = await post(doors, call("progress"), await initialized(doors));
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    const events = await Array.fromAsync(eventsOf(response));
    expect(events).toHaveLength(2);
    expect(events[0]).toContain("notifications/progress");
    expect(events[1]).toContain('"method":"progress"');
  });

  test("becomes an event stream with a comment after a long silence", async () => {
    await using doors = openDoors();
    const pending = post(doors, call("wait"), await initialized(doors));
    await doors.desk.until(() => doors.desk.session(0).waiting.length === 1);
    doors.clock.beat(LIMITS.quietBeats);
    const response = await pending;
    const events = eventsOf(response);
    expect(await next(events)).toBe(": keep-alive");
    const [waiting] = doors.desk.session(0).waiting;
    if (waiting === undefined) throw new Error("nothing waits");
    waiting.channel.write('{"with":\r\n"a line break"}', true);
    expect(await next(events)).toBe('data: {"with": "a line break"}');
    expect((await events.next()).done).toBe(true);
  });

  test("stays quiet towards a client that takes JSON only", async () => {
    await using doors = openDoors();
    const headers = { ...(await initialized(doors)), accept: "application/json" };
    const pending = post(doors, call("wait"), headers);
    await doors.desk.until(() => doors.desk.session(0).waiting.length === 1);
    const [waiting] = doors.desk.session(0).waiting;
    if (waiting === undefined) throw new Error("nothing waits");
    expect(waiting.channel.streams).toBe(false);
    doors.clock.beat(LIMITS.quietBeats);
    waiting.channel.write(notification("notifications/progress"), false);
    waiting.channel.write(result(waiting.request, "late"), true);
    const response = await pending;
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ result: "late" });
  });

  test("streams to a client that takes events only", async () => {
    await using doors = openDoors();
    const headers = { ...(await initialized(doors)), accept: "text/event-stream" };
    const response = await post(doors, call("ping"), headers);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await next(eventsOf(response))).toStartWith("data: {");
  });

  test("takes any spelling of Accept that fits", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    for (const accept of ["*/*", "text/html, application/*;q=0.5", "TEXT/EVENT-STREAM"]) {
      const response = await post(doors, call("ping"), { ...session, accept });
      expect(response.status).toBe(200);
      await response.body?.cancel();
    }
  });

  test("accepts notifications and responses with 202 and no body", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    for (const body of [
      notification("notifications/initialized"),
      '{"jsonrpc":"2.0","id":4,"result":{}}',
      '{"jsonrpc":"2.0","id":4,"error":{"code":-1,"message":"no"}}',
    ]) {
      const response = await post(doors, body, session);
      expect(response.status).toBe(202);
      expect(await response.text()).toBe("");
    }
    expect(
      doors.desk
        .session(0)
        .heard.slice(1)
        .map((message) => message.kind),
    ).toEqual(["notification", "response", "response"]);
  });

  test("keeps working on a request whose client has left", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const leaving = new AbortController();
    const pending = doors.ask("/mcp", {
      method: "POST",
      body: call("wait"),
      headers: session,
      signal: leaving.signal,
    });
    await doors.desk.until(() => doors.desk.session(0).waiting.length === 1);
    leaving.abort();
    expect(await pending.catch((error: Error) => error.name)).toBe("AbortError");
    const [waiting] = doors.desk.session(0).waiting;
    waiting?.channel.write("{}", true);
    expect((await post(doors, call("ping"), session)).status).toBe(200);
    expect(doors.desk.session(0).closed).toBe(false);
    expect(doors.desk.session(0).heard.map((message) => message.kind)).not.toContain(
      "notification",
    );
  });
});

describe("bad input on /mcp", () => {
  test("gets 400 and the JSON-RPC error for what is no message", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const of = async (body: string) => refused(await post(doors, body, session));
    expect(await of("{oops")).toMatchObject({ status: 400, id: null, code: -32700 });
    expect(await of("")).toMatchObject({ status: 400, id: null, code: -32700 });
    expect(await of('{"id":7,"method":"x"}')).toMatchObject({ status: 400, id: 7, code: -32600 });
    expect(await of(`[${call("ping")}]`)).toMatchObject({ status: 400, id: null, code: -32600 });
  });

  test("gets 400 without a session id and 404 with a wrong one", async () => {
    await using doors = openDoors();
    const missing = await refused(await post(doors, call("ping", {}, 9)));
    expect(missing).toMatchObject({ status: 400, id: 9, data: { fault: "session.missing" } });
    const unknown = await refused(await post(doors, call("ping"), { "mcp-session-id": "nope" }));
    expect(unknown).toMatchObject({ status: 404, id: null, data: { fault: "session.unknown" } });
  });

  test("gets 404 with the session id of another path", async () => {
    await using doors = openDoors();
    const session = await initialized(doors, "2025-11-25", "/mcp/fs");
    expect((await post(doors, call("ping"), session)).status).toBe(404);
  });

  test("gets the fault of an upstream that does not exist", async () => {
    await using doors = openDoors();
    const init = { method: "POST", body: call("initialize", {}, 3) };
    const response = await refused(await doors.ask("/mcp/nope", init));
    expect(response).toMatchObject({ status: 404, id: 3, data: { fault: "upstream.unknown" } });
    expect((await doors.ask("/mcp/a/b", init)).status).toBe(404);
    expect((await doors.ask("/mcp/%zz", init)).status).toBe(404);
  });

  test("gets 400 for a project that is no absolute path", async () => {
    await using doors = openDoors();
    const init = { method: "POST", body: call("initialize") };
    expect((await doors.ask("/mcp?project=here", init)).status).toBe(400);
  });

  test("one directory is one project, however it is spelled", () => {
    if (process.platform === "win32") return expect(projectOf("C:\\a\\b\\..\\")).toBe("C:\\a");
    const spellings = ["/a/b", "/a/b/", "/a//b", "/a/c/../b", "/a/./b/."];
    expect(new Set(spellings.map((name) => projectOf(name)))).toEqual(new Set(["/a/b"]));
    expect(projectOf("c:\\a\\")).toBe("C:\\a");
    expect(projectOf(null)).toBeNull();
  });

  test("gets 400 for a protocol version we do not speak, and none is fine", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const wrong = { ...session, "mcp-protocol-version": "2024-01-01" };
    const response = await refused(await post(doors, call("ping"), wrong));
    expect(response).toMatchObject({ status: 400, data: { fault: "door.version" } });
    const right = { ...session, "mcp-protocol-version": "2025-03-26" };
    expect((await post(doors, call("ping"), right)).status).toBe(200);
  });

  test("gets 406 when Accept fits nothing, and 415 when the body is not JSON", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const html = await post(doors, call("ping"), { ...session, accept: "text/html" });
    expect(html.status).toBe(406);
    const never = { ...session, accept: "application/json;q=0" };
    expect((await post(doors, call("ping"), never)).status).toBe(406);
    const form = { ...session, "content-type": "application/x-www-form-urlencoded" };
    expect((await post(doors, call("ping"), form)).status).toBe(415);
    const charset = { ...session, "content-type": "Application/JSON; charset=utf-8" };
    expect((await post(doors, call("ping"), charset)).status).toBe(200);
  });

  test("gets 405 with Allow for another method", async () => {
    await using doors = openDoors();
    const response = await doors.ask("/mcp", { method: "PUT", body: "{}" });
    expect(response.headers.get("allow")).toBe("GET, POST, DELETE");
    expect(await refused(response)).toMatchObject({ status: 405, code: -32600 });
  });
});

describe("bodies", () => {
  test("past the limit get 413 that names it, with or without Content-Length", async () => {
    await using doors = openDoors({}, 2_000);
    const session = await initialized(doors);
    const long = call("ping", { long: "x".repeat(2_000) });
    const chunked = new Blob([long]).stream();
    for (const body of [long, chunked]) {
      const response = await post(doors, body, session);
      expect(await refused(response)).toEqual({
        status: 413,
        id: null,
        code: -32600,
        data: { fault: "message.too-large", limitBytes: 2_000 },
      });
    }
    expect((await post(doors, call("ping"), session)).status).toBe(200);
  });

  test("that come in pieces are read to their end", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const text = call("ping", { word: "grün 😀" });
    const bytes = new TextEncoder().encode(text);
    const body = new ReadableStream({
      async start(controller) {
        // Cut inside a character, and wait for the runtime to have sent the first piece.
        for (const part of [bytes.slice(0, -9), bytes.slice(-9)]) {
          controller.enqueue(part);
          await Bun.sleep(5);
        }
        controller.close();
      },
    });
    const response = await post(doors, body, session);
    expect(await response.json()).toMatchObject({ result: { word: "grün 😀" } });
  });

  test("that are cut off leave the server well", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: doors.listener.port,
      socket: { data: () => {}, close: () => resolve() },
    });
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: mcpd_test-key\r\n` +
        `Content-Type: application/json\r\nMcp-Session-Id: session-1\r\n` +
        `Content-Length: 500\r\n\r\n{"jsonrpc"`,
    );
    socket.flush();
    socket.end();
    await promise;
    expect((await post(doors, call("ping"), session)).status).toBe(200);
    expect(doors.desk.session(0).heard).toHaveLength(2);
  });
});

describe("batches", () => {
  const batch = `[${call("ping", {}, 1)},${notification("n")},{"id":2},${call("ping", {}, "b")}]`;

  test("are answered together for a session of 2025-03-26", async () => {
    await using doors = openDoors();
    const response = await post(doors, batch, await initialized(doors, "2025-03-26"));
    expect(response.headers.get("content-type")).toBe("application/json");
    const answers = (await response.json()) as { id: unknown; error?: unknown }[];
    expect(answers.map(({ id }) => id)).toEqual([2, 1, "b"]);
    expect(answers[0]?.error).toMatchObject({ code: -32600 });
  });

  test("are answered event by event once something comes before the answers", async () => {
    await using doors = openDoors();
    const body = `[${call("ping", {}, 1)},${call("progress", {}, 2)},${call("ping", {}, 3)}]`;
    const response = await post(doors, body, await initialized(doors, "2025-03-26"));
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = await Array.fromAsync(eventsOf(response));
    const ids = events.map((event) => (JSON.parse(event.slice(6)) as { id?: number }).id);
    expect(ids).toEqual([undefined, 1, 2, 3]);
  });

  test("without a request are accepted, and initialize inside one is not", async () => {
    await using doors = openDoors();
    const session = await initialized(doors, "2025-03-26");
    expect((await post(doors, `[${notification("n")}]`, session)).status).toBe(202);
    const twice = await post(doors, `[${call("initialize", {}, 5)}]`, session);
    expect(twice.status).toBe(400);
    expect(await twice.json()).toMatchObject([{ id: 5, error: { code: -32600 } }]);
    expect((await post(doors, "[]", session)).status).toBe(400);
    const notes = Array.from({ length: LIMITS.batchMessages + 1 }, () => notification("n"));
    const many = `[${notes.join(",")}]`;
    expect((await post(doors, many, session)).status).toBe(400);
  });
});

describe("GET /mcp", () => {
  test("answers at once when there is no session, so that probes do not hang", async () => {
    await using doors = openDoors();
    const accept = "*/*";
    const probe = await doors.ask("/mcp", { headers: { accept } });
    expect(probe.status).toBe(405);
    expect(probe.headers.get("allow")).toBe("POST");
    const headers = { "mcp-session-id": "nope" };
    expect((await doors.ask("/mcp", { headers })).status).toBe(404);
  });

  test("carries what belongs to no request, with comments while it is quiet", async () => {
    await using doors = openDoors();
    const headers = await initialized(doors);
    const response = await doors.ask("/mcp", { headers });
    const events = eventsOf(response);
    expect(await next(events)).toBe(": keep-alive");
    doors.desk.session(0).listener?.write(notification("one"), false);
    expect(await next(events)).toBe(`data: ${notification("one")}`);
    doors.clock.beat(LIMITS.quietBeats);
    expect(await next(events)).toBe(": keep-alive");
    expect((await doors.ask("/mcp", { headers: { ...headers, accept: "a/b" } })).status).toBe(406);
  });

  test("replaces the older stream of the session", async () => {
    await using doors = openDoors();
    const headers = await initialized(doors);
    const older = eventsOf(await doors.ask("/mcp", { headers }));
    const newer = eventsOf(await doors.ask("/mcp", { headers }));
    expect(await Array.fromAsync(older)).toEqual([": keep-alive"]);
    expect(await next(newer)).toBe(": keep-alive");
    doors.desk.session(0).listener?.write("{}", false);
    expect(await next(newer)).toBe("data: {}");
  });

  test("stops listening when the client leaves, and the session lives on", async () => {
    await using doors = openDoors();
    const headers = await initialized(doors);
    const leaving = new AbortController();
    await doors.ask("/mcp", { headers, signal: leaving.signal });
    expect(doors.desk.session(0).listener).not.toBeNull();
    leaving.abort();
    await doors.desk.until(() => doors.desk.session(0).listener === null);
    expect(doors.desk.session(0).closed).toBe(false);
  });

  test("cuts off a client that never reads", async () => {
    await using doors = openDoors();
    const headers = await initialized(doors);
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: doors.listener.port,
      socket: { data: () => {}, close: () => resolve() },
    });
    socket.pause();
    socket.write(
      `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: mcpd_test-key\r\n` +
        `Accept: text/event-stream\r\nMcp-Session-Id: ${headers["mcp-session-id"]}\r\n\r\n`,
    );
    await doors.desk.until(() => doors.desk.session(0).listener !== null);
    const text = JSON.stringify({ text: "x".repeat(65_536) });
    let written = 0;
    while (doors.desk.session(0).listener !== null && written < 100_000_000) {
      doors.desk.session(0).listener?.write(text, false);
      written += text.length;
      await Bun.sleep(0);
    }
    expect(doors.desk.session(0).listener).toBeNull();
    expect(written).toBeLessThan(50_000_000);
    socket.resume();
    await gone;
    expect((await doors.ask("/mcp", { method: "POST", body: call("ping"), headers })).status).toBe(
      200,
    );
  }, 20_000);
});

describe("DELETE /mcp", () => {
  test("ends the session and its stream", async () => {
    await using doors = openDoors();
    const headers = await initialized(doors);
    const events = eventsOf(await doors.ask("/mcp", { headers }));
    const response = await doors.ask("/mcp", { method: "DELETE", headers });
    expect(response.status).toBe(200);
    expect(await Array.fromAsync(events)).toEqual([": keep-alive"]);
    expect(doors.desk.session(0).closed).toBe(true);
    expect((await post(doors, call("ping"), headers)).status).toBe(404);
    expect((await doors.ask("/mcp", { method: "DELETE", headers })).status).toBe(404);
    expect((await doors.ask("/mcp", { method: "DELETE" })).status).toBe(400);
  });
});

describe("the official client over Streamable HTTP", () => {
  test("connects, sees progress and ends its session", async () => {
    await using doors = openDoors();
    const client = new Client({ name: "test", version: "1" });
    const requestInit = { headers: { authorization: "Bearer mcpd_test-key" } };
    const url = new URL(`${doors.url}/mcp/fs`);
    const transport = new StreamableHTTPClientTransport(url, { requestInit });
    await client.connect(transport);
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress);
    await client.request({ method: "progress" }, ResultSchema, { onprogress });
    expect(seen).toEqual([1]);
    await transport.terminateSession();
    expect(doors.desk.session(0).closed).toBe(true);
    await client.close();
  });
});
