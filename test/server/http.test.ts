import { describe, expect, test } from "bun:test";

import { isFault } from "../../src/core/fault.ts";
import { listen } from "../../src/server/http.ts";
import { ApiKey } from "../../src/server/key.ts";
import { eventsOf, KEY, next, openDoors } from "../helpers/doors.ts";

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const initialize =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}';

describe("GET /health", () => {
  test("answers without a key, in the documented shape", async () => {
    await using doors = openDoors();
    const response = await fetch(`${doors.url}/health`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    const start = '{"status":"healthy","version":"2.1.0","uptime_seconds":3600';
    expect(await response.text()).toBe(`${start},"conditions":0}`);
  });

  test("is 200 when degraded and 503 when unhealthy", async () => {
    await using degraded = openDoors({}, 1_000, () => ({ status: "degraded", conditions: 2 }));
    const response = await fetch(`${degraded.url}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "degraded", conditions: 2 });
    await using ill = openDoors({}, 1_000, () => ({ status: "unhealthy", conditions: 1 }));
    expect((await fetch(`${ill.url}/health`)).status).toBe(503);
  });
});

describe("GET /metrics", () => {
  test("is JSON as documented, and Prometheus text for who asks for it", async () => {
    await using doors = openDoors();
    expect((await fetch(`${doors.url}/metrics`)).status).toBe(401);
    const headers = { accept: "*/*" };
    const json = await doors.ask("/metrics", { headers });
    expect(await json.json()).toEqual({ connections: 5, requests: 1_000, errors: 2 });
    for (const accept of ["text/plain;version=0.0.4", "application/openmetrics-text"]) {
      const text = await doors.ask("/metrics", { headers: { accept } });
      expect(text.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
      expect(await text.text()).toBe("mcpd_requests_total 1000\n");
    }
  });
});

describe("every path", () => {
  test("that does not exist is a 404 that names those that do", async () => {
    await using doors = openDoors();
    for (const path of ["/", "/mcpx", "/MCP", "/ssex", "/messages/x", "/health/x"]) {
      const response = await doors.ask(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        error: {
          data: { fault: "door.unknown" },
          message: expect.stringContaining("/ws/<upstream>"),
        },
      });
    }
  });

  test("of OAuth discovery is a plain 404 without a key", async () => {
    await using doors = openDoors();
    for (const name of ["oauth-protected-resource/mcp", "oauth-authorization-server", "x"]) {
      const response = await fetch(`${doors.url}/.well-known/${name}`);
      expect(response.status).toBe(404);
      expect(await response.text()).toBe("Not Found");
    }
  });

  test("answers a wrong method with 405 and Allow", async () => {
    await using doors = openDoors();
    for (const [path, allow] of [
      ["/health", "GET"],
      ["/metrics", "GET"],
      ["/sse", "GET"],
      ["/messages/", "POST"],
      ["/mcp", "GET, POST, DELETE"],
    ] as const) {
      const response = await doors.ask(path, { method: "PATCH", body: "{}" });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe(allow);
    }
  });

  test("is behind the gate", async () => {
    await using doors = openDoors();
    for (const path of ["/mcp", "/mcp/fs", "/sse", "/messages/", "/metrics", "/nothing"]) {
      expect((await fetch(`${doors.url}${path}`)).status).toBe(401);
    }
    for (const path of ["/mcp", "/health", "/.well-known/x"]) {
      const evilHost = { host: "evil.example", "x-api-key": KEY };
      expect((await fetch(`${doors.url}${path}`, { headers: evilHost })).status).toBe(403);
      const evilOrigin = { origin: "http://evil.example", "x-api-key": KEY };
      expect((await fetch(`${doors.url}${path}`, { headers: evilOrigin })).status).toBe(403);
    }
    expect(doors.desk.sessions).toHaveLength(0);
  });
});

describe("a page of an allowed origin", () => {
  test("can use MCP, streams included", async () => {
    const origin = "http://localhost:3000";
    const cors = { allowedOrigins: ["http://localhost:*"], allowCredentials: false };
    await using doors = openDoors({ cors });
    const opened = await doors.ask("/mcp", {
      method: "POST",
      body: initialize,
      headers: { origin },
    });
    expect(opened.headers.get("access-control-allow-origin")).toBe(origin);
    expect(opened.headers.get("access-control-expose-headers")).toBe("Mcp-Session-Id");
    const headers = { origin, "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
    const called = await doors.ask("/mcp", { method: "POST", body: ping, headers });
    expect(called.headers.get("access-control-allow-origin")).toBe(origin);
    const stream = await doors.ask("/sse", { headers: { origin } });
    expect(stream.headers.get("access-control-allow-origin")).toBe(origin);
    expect(await next(eventsOf(stream))).toStartWith("event: endpoint");
  });

  test("can read why it was refused for want of a key", async () => {
    const origin = "http://localhost:3000";
    const cors = { allowedOrigins: ["http://localhost:*"], allowCredentials: false };
    await using doors = openDoors({ cors });
    const response = await fetch(`${doors.url}/mcp`, { headers: { origin } });
    expect(response.status).toBe(401);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
  });
});

describe("sessions", () => {
  test("belong to who opened them", async () => {
    await using doors = openDoors({ key: null });
    const opened = await doors.ask("/mcp", { method: "POST", body: initialize });
    const headers = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
    expect((await doors.ask("/mcp", { method: "POST", body: ping, headers })).status).toBe(200);
    const cors = { allowedOrigins: [], allowCredentials: false };
    doors.gate.update({ host: "127.0.0.1", key: new ApiKey(KEY), cors });
    expect((await doors.ask("/mcp", { method: "POST", body: ping, headers })).status).toBe(404);
  });
});

describe("listen()", () => {
  const websocket = () => ({ message: () => undefined });

  test("gives the fault port.in-use for a port that is taken", async () => {
    await using doors = openDoors();
    const app = { fetch: () => new Response("x"), websocket };
    const second = listen(app, { host: "127.0.0.1", port: doors.listener.port }, reportError);
    expect(second).toMatchObject({
      code: "port.in-use",
      text: `Cannot listen on 127.0.0.1:${doors.listener.port}: the port is in use`,
    });
  });

  test("answers 500 when a handler fails, and tells whoever has to know", async () => {
    const errors: string[] = [];
    let broken = true;
    const answer = (): Response => {
      if (broken) throw new Error("a bug");
      return new Response("fine");
    };
    const app = { fetch: answer, websocket };
    const listener = listen(app, { host: "127.0.0.1", port: 0 }, ({ message }) =>
      errors.push(message),
    );
    if (isFault(listener)) throw new Error(listener.text);
    const url = `http://127.0.0.1:${listener.port}/`;
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { data: { fault: "internal" } } });
    expect(errors).toEqual(["a bug"]);
    broken = false;
    expect(await (await fetch(url)).text()).toBe("fine");
    await listener.stop(true);
  });
});
