import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { Gate, type GateSettings, type Pass } from "../../src/server/gate.ts";
import { ApiKey } from "../../src/server/key.ts";

const KEY = "mcpd_secret";

function gateWith(settings: Partial<GateSettings> = {}): Gate {
  return new Gate({
    host: "127.0.0.1",
    key: new ApiKey(KEY),
    cors: { allowedOrigins: [], allowCredentials: false },
    ...settings,
  });
}

type Headers = { readonly [name: string]: string };

/** What the gate makes of a request: a pass, or the status of its answer. */
function enter(gate: Gate, headers: Headers, path = "/mcp", method = "POST"): Pass | number {
  const passed = gate.enter(requestOf(headers, path, method), path.split("?")[0] ?? path);
  return passed instanceof Response ? passed.status : passed;
}

function requestOf(headers: Headers, path = "/mcp", method = "POST"): Request {
  const all = { host: "127.0.0.1:8321", ...headers };
  return new Request(`http://127.0.0.1:8321${path}`, { method, headers: all });
}

const withKey = { "x-api-key": KEY };
const pass = { kind: "pass", principal: "key", origin: null } as const;

describe("the Host", () => {
  test("may be any name of this machine, with any port: a tunnel has its own", () => {
    for (const host of ["127.0.0.1:8321", "localhost:9000", "[::1]:8321", "LOCALHOST", "[::1]"]) {
      expect(enter(gateWith(), { ...withKey, host })).toEqual(pass);
    }
  });

  test("may not be any other: a page could have made it resolve to us", () => {
    const evil = ["evil.example", "127.0.0.1.evil.example:8321", "localhost.evil.example", "", "0"];
    for (const host of [...evil, "192.168.1.5:8321", "127.0.0.1:8321@evil.example", "::1"]) {
      expect(enter(gateWith(), { ...withKey, host })).toBe(403);
      expect(enter(gateWith({ key: null }), { host }, "/health", "GET")).toBe(403);
    }
  });

  test("may be the configured one, and an address when bound to all of them", () => {
    const named = gateWith({ host: "Box.lan" });
    expect(enter(named, { ...withKey, host: "box.lan:8321" })).toEqual(pass);
    expect(enter(named, { ...withKey, host: "other.lan:8321" })).toBe(403);
    const open = gateWith({ host: "0.0.0.0" });
    expect(enter(open, { ...withKey, host: "192.168.1.5:8321" })).toEqual(pass);
    expect(enter(open, { ...withKey, host: "evil.example:8321" })).toBe(403);
    expect(enter(gateWith({ host: "::2" }), { ...withKey, host: "[::2]:8321" })).toEqual(pass);
  });
});

describe("the Origin", () => {
  test("may be missing or our own, and nothing else by default", () => {
    const own = "http://127.0.0.1:8321";
    expect(enter(gateWith(), { ...withKey, origin: own })).toEqual({ ...pass, origin: own });
    for (const origin of [
      "http://127.0.0.1:3000",
      "http://localhost:8321",
      "https://127.0.0.1:8321",
      "http://evil.example",
      "null",
    ]) {
      expect(enter(gateWith(), { ...withKey, origin })).toBe(403);
      expect(enter(gateWith({ key: null }), { origin }, "/health", "GET")).toBe(403);
    }
  });

  test("may fit a pattern of the config", () => {
    const patterns = ["http://localhost:*", "https://*.example.com", "https://one.example/"];
    const gate = gateWith({ cors: { allowedOrigins: patterns, allowCredentials: false } });
    for (const origin of [
      "http://localhost",
      "http://localhost:3000",
      "https://a.b.example.com",
      "https://one.example",
    ]) {
      expect(enter(gate, { ...withKey, origin })).toEqual({ ...pass, origin });
    }
    for (const origin of [
      "http://localhost:3000.evil.example",
      "http://localhost.evil.example",
      "https://evil.example?.example.com",
      "https://evil.example/.example.com",
      "https://evil.example:1@x.example.com",
      "https://exampleXcom",
      "http://a.example.com",
    ]) {
      expect(enter(gate, { ...withKey, origin })).toBe(403);
    }
    const any = gateWith({ cors: { allowedOrigins: ["*"], allowCredentials: false } });
    expect(enter(any, { ...withKey, origin: "https://x.example" })).toMatchObject({ kind: "pass" });
    expect(enter(any, { ...withKey, origin: "null" })).toBe(403);
  });

  test("of another site never fits a pattern for this machine, whatever its spelling", () => {
    const cors = { allowedOrigins: ["http://localhost:*"], allowCredentials: false };
    const gate = gateWith({ cors });
    const tail = fc.string({ minLength: 1 }).filter((text) => !/^:\d+$/.test(text));
    fc.assert(
      fc.property(tail, (text) => {
        let request: Request;
        try {
          request = requestOf({ ...withKey, origin: `http://localhost${text}` });
        } catch {
          return; // no header can hold it
        }
        // White space around a header's value is not part of it.
        if (/^http:\/\/localhost(:\d+)?$/.test(request.headers.get("origin") ?? "")) return;
        expect(gate.enter(request, "/mcp")).toBeInstanceOf(Response);
      }),
    );
  });
});

describe("the answer to a browser", () => {
  const origin = "http://localhost:3000";
  const cors = { allowedOrigins: ["http://localhost:*"], allowCredentials: true };

  test("to a preflight needs no key and names what may be sent", () => {
    const headers = { origin, "access-control-request-method": "POST" };
    const response = gateWith({ cors }).enter(requestOf(headers, "/mcp", "OPTIONS"), "/mcp");
    if (!(response instanceof Response)) throw new Error("a preflight is answered by the gate");
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, POST, DELETE",
      "access-control-allow-credentials": "true",
      vary: "Origin",
    });
    expect(response.headers.get("access-control-allow-headers")).toContain("Mcp-Session-Id");
    const refused = gateWith().enter(requestOf(headers, "/mcp", "OPTIONS"), "/mcp");
    expect(refused).toMatchObject({ status: 403 });
  });

  test("to a preflight lets a tool's own headers through, and nothing else it asks for", () => {
    const asked = 'content-type, mcp-method, mcp-param-region, mcp-param-"z, x-evil';
    const headers = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": asked,
    };
    const response = gateWith({ cors }).enter(requestOf(headers, "/mcp", "OPTIONS"), "/mcp");
    if (!(response instanceof Response)) throw new Error("a preflight is answered by the gate");
    const allowed = response.headers.get("access-control-allow-headers")?.split(", ") ?? [];
    expect(allowed).toContain("Mcp-Method");
    expect(allowed).toContain("Mcp-Name");
    expect(allowed.filter((name) => /param|evil/.test(name))).toEqual(["mcp-param-region"]);
  });

  test("may be read by the page, with its session id", () => {
    const response = gateWith({ cors }).leave(new Response("x"), origin);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    expect(response.headers.get("access-control-expose-headers")).toBe("Mcp-Session-Id");
    const strict = { ...cors, allowCredentials: false };
    const plain = gateWith({ cors: strict }).leave(new Response("x"), origin);
    expect(plain.headers.has("access-control-allow-credentials")).toBe(false);
  });
});

describe("the API key", () => {
  test("is taken from three places", () => {
    const gate = gateWith();
    expect(enter(gate, { authorization: `Bearer ${KEY}` })).toEqual(pass);
    expect(enter(gate, { authorization: `bearer  ${KEY} ` })).toEqual(pass);
    expect(enter(gate, { "x-api-key": KEY })).toEqual(pass);
    expect(enter(gate, {}, `/sse?api_key=${KEY}`, "GET")).toEqual(pass);
  });

  test("is refused with 401 when it is missing or wrong, and told where it is", async () => {
    const gate = gateWith();
    for (const headers of [
      {},
      { authorization: "Bearer wrong" },
      { authorization: `Basic ${KEY}` },
      { "x-api-key": "" },
      { authorization: "Bearer wrong", "x-api-key": KEY },
    ]) {
      const response = gate.enter(requestOf(headers), "/mcp");
      if (!(response instanceof Response)) throw new Error("it was let in");
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await response.json()).toEqual({
        jsonrpc: "2.0",
        id: null,
        error: {
          code: -32001,
          message:
            "The API key is missing or wrong. Get it with 'mcpd show-key' and send it as " +
            "'Authorization: Bearer KEY' or 'X-API-Key: KEY'.",
          data: { fault: "gate.key" },
        },
      });
    }
    expect(enter(gate, {}, "/sse?api_key=", "GET")).toBe(401);
    expect(enter(gate, {}, "/metrics", "GET")).toBe(401);
  });

  test("is not asked for health and the well-known paths", () => {
    const anyone = { ...pass, principal: "anyone" as const };
    expect(enter(gateWith(), {}, "/health", "GET")).toEqual(anyone);
    const wellKnown = "/.well-known/oauth-protected-resource/mcp";
    expect(enter(gateWith(), {}, wellKnown, "GET")).toEqual(anyone);
    expect(enter(gateWith(), {}, "/healthy", "GET")).toBe(401);
  });

  test("is not asked when the config says so, and changes apply at once", () => {
    const gate = gateWith({ key: null });
    expect(enter(gate, {})).toEqual({ ...pass, principal: "anyone" });
    const cors = { allowedOrigins: [], allowCredentials: false };
    gate.update({ host: "127.0.0.1", key: new ApiKey(KEY), cors });
    expect(enter(gate, {})).toBe(401);
  });
});
