import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { LIMITS } from "../../src/core/limits.ts";
import { DeafClient } from "../helpers/deaf-client.ts";
import { McpHttp, type Message } from "../helpers/mcp-http.ts";
import { fixture } from "../helpers/program.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { statusOf } from "./status.ts";

// What clients do wrong, and what it gets them. Afterwards the daemon serves as before.

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };
const MEBIBYTE = 1_048_576;

async function expectWell(daemon: Daemon): Promise<void> {
  expect((await daemon.health())["status"]).toBe("healthy");
  const client = await daemon.connect("echo");
  expect(await client.call("add", { a: 1, b: 1 })).toBe("2");
  expect(await client.close()).toBe(200);
}

/** Status and JSON-RPC error of an answer. */
async function refusalOf(response: Response): Promise<{ status: number; error: Message["error"] }> {
  const body: Message = JSON.parse(await response.text());
  return { status: response.status, error: body.error };
}

describe("a message that is none", () => {
  const bodies: readonly (readonly [string, string, number])[] = [
    ["an open brace", "{", -32700],
    ["nothing", "", -32700],
    ["text", "hello", -32700],
    ["half a message", '{"jsonrpc":"2.0","id":1,"method":"pi', -32700],
    ["a number", "42", -32600],
    ["null", "null", -32600],
    ["an empty batch", "[]", -32600],
    ["a batch of a revision without batches", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    ["no method", '{"jsonrpc":"2.0","id":1}', -32600],
    ["another jsonrpc", '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ["a method that is no string", '{"jsonrpc":"2.0","id":1,"method":7}', -32600],
    ["params that are no object", '{"jsonrpc":"2.0","id":1,"method":"ping","params":3}', -32600],
    ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ["arrays without end", "[".repeat(100_000), -32700],
  ];

  test("is answered with 400 and the code of JSON-RPC", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo");
    for (const [name, body, code] of bodies) {
      const { status, error } = await refusalOf(await client.post(body));
      expect([name, status, error?.code]).toEqual([name, 400, code]);
    }
    await expectWell(daemon);
  });

  test("is survived however deep its params are", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo");
    for (const [open, close] of [
      ['{"text":', "}"],
      ["[", "]"],
    ] as const) {
      const depth = Math.floor(1_000_000 / (open.length + close.length));
      const deep = `${open.repeat(depth)}1${close.repeat(depth)}`;
      const params = `{"name":"echo","arguments":{"text":${deep}}}`;
      const call = `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":${params}}`;
      const answer = await within("an answer", client.post(call));
      expect(await answer.text()).toContain("jsonrpc");
    }
    await expectWell(daemon);
  });
});

describe("a wrong request", () => {
  test("for an unknown method, tool, prompt or resource gets a JSON-RPC error", async () => {
    await using daemon = await Daemon.start(CONFIG);
    for (const upstream of [undefined, "echo"]) {
      const client = await daemon.connect(upstream);
      const codeOf = async (method: string, params: object): Promise<number | undefined> =>
        (await client.request(method, params)).response.error?.code;
      expect(await codeOf("no/such", {})).toBe(-32601);
      expect(await codeOf("tools/call", { name: "no-such" })).toBe(-32602);
      expect(await codeOf("prompts/get", { name: "no-such" })).toBe(-32602);
      expect(await codeOf("resources/read", { uri: "no://such" })).toBe(-32002);
      expect(await codeOf("logging/setLevel", { level: "loud" })).toBe(-32602);
    }
    await expectWell(daemon);
  });

  test("that reuses the id of one in flight is refused, the first one is not", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo");
    const slow = { name: "slow", arguments: { ms: 200 } };
    const [first, second] = await Promise.all([
      client.request("tools/call", slow, { id: "same" }),
      client.post({ jsonrpc: "2.0", id: "same", method: "tools/call", params: slow }),
    ]);
    expect(first.response.result).toBeDefined();
    expect(await second.text()).toContain("is in use by a request in flight");
    await expectWell(daemon);
  });

  test("before initialize, or in a session that is not, says how to get one", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = new McpHttp({ url: daemon.mcpUrl(), key: daemon.key });
    const ping = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    expect(await refusalOf(await client.post(ping))).toMatchObject({
      status: 400,
      error: { message: expect.stringContaining("'initialize'") },
    });
    client.sessionId = "no-such-session";
    expect(await refusalOf(await client.post(ping))).toMatchObject({
      status: 404,
      error: { code: -32001, message: expect.stringContaining("'initialize'") },
    });
    const ended = await daemon.connect("echo");
    expect(await ended.close()).toBe(200);
    expect((await ended.post(ping)).status).toBe(404);
    const elsewhere = await daemon.connect("echo");
    const other = new McpHttp({ url: daemon.mcpUrl(), key: daemon.key });
    other.sessionId = elsewhere.sessionId;
    expect((await other.post(ping)).status).toBe(404);
    await expectWell(daemon);
  });

  test("at the door gets the status that HTTP has for it", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const headers = { "x-api-key": daemon.key, "content-type": "application/json" };
    type Init = {
      readonly method?: string;
      readonly body?: string;
      readonly headers?: { readonly [name: string]: string };
    };
    const answerTo = async (path: string, init: Init): Promise<number> =>
      (await fetch(daemon.origin + path, { ...init, headers: { ...headers, ...init.headers } }))
        .status;
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    expect(await answerTo("/nowhere", {})).toBe(404);
    expect(await answerTo("/mcp/no-such-upstream/deeper", { method: "POST", body })).toBe(404);
    expect(await answerTo("/mcp", { method: "PUT", body })).toBe(405);
    expect(await answerTo("/mcp", { method: "GET" })).toBe(405);
    const text = { "content-type": "text/plain" };
    expect(await answerTo("/mcp", { method: "POST", body, headers: text })).toBe(415);
    const html = { accept: "text/html" };
    expect(await answerTo("/mcp", { method: "POST", body, headers: html })).toBe(406);
    const version = { "mcp-protocol-version": "1999-01-01" };
    expect(await answerTo("/mcp", { method: "POST", body, headers: version })).toBe(400);
    expect(await answerTo("/messages/?session_id=none", { method: "POST", body })).toBe(404);
    await expectWell(daemon);
  });
});

describe("a stranger", () => {
  test("without the key gets 401 and the way to it, with it by any of three ways is let in", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const { origin, key } = daemon;
    for (const path of ["/mcp", "/mcp/echo", "/sse", "/sse/echo", "/messages/", "/metrics"]) {
      const refused = await refusalOf(await fetch(origin + path));
      expect(refused).toMatchObject({
        status: 401,
        error: { message: expect.stringContaining("mcpd show-key") },
      });
    }
    const wrong = { headers: { "x-api-key": `${key}x` } };
    expect((await fetch(`${origin}/metrics`, wrong)).status).toBe(401);
    const bearer = { authorization: `Bearer ${key}` };
    expect((await fetch(`${origin}/metrics`, { headers: bearer })).status).toBe(200);
    expect((await fetch(`${origin}/metrics`, { headers: { "x-api-key": key } })).status).toBe(200);
    expect((await fetch(`${origin}/metrics?api_key=${key}`)).status).toBe(200);
    expect((await fetch(`${origin}/health`)).status).toBe(200);
    await expectWell(daemon);
  });

  test("page or name for this machine gets 403 whatever its key, /health included", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const key = { "x-api-key": daemon.key };
    for (const path of ["/mcp", "/sse", "/health", "/metrics"]) {
      for (const evil of [{ host: "evil.example" }, { origin: "http://evil.example" }]) {
        const answer = await fetch(daemon.origin + path, { headers: { ...key, ...evil } });
        expect([path, evil, answer.status]).toEqual([path, evil, 403]);
      }
    }
    await expectWell(daemon);
  });
});

describe("too much", () => {
  test("in one body is refused with 413, announced or not", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo");
    const text = "x".repeat(MEBIBYTE);
    const call = { name: "echo", arguments: { text } };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 5, method: "tools/call", params: call });
    expect(await refusalOf(await client.post(body))).toMatchObject({
      status: 413,
      error: { message: expect.stringContaining("max_message_bytes") },
    });
    const unannounced = await fetch(daemon.mcpUrl("echo"), {
      method: "POST",
      headers: client.headers({ "content-type": "application/json" }),
      body: new Blob([body]).stream(),
    });
    expect(unannounced.status).toBe(413);
    expect(await client.call("echo", { text: text.slice(0, -1_000) })).toHaveLength(
      MEBIBYTE - 1_000,
    );
    await expectWell(daemon);
  });

  test("in flight for one session is refused, and the rest is answered", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo", { protocolVersion: "2025-03-26" });
    // The upstream's places are taken for a while by the first; the others wait behind them.
    const slow = LIMITS.callsPerClient;
    // Six batches of a hundred, since a client's connections are few.
    const batch = async (number: number): Promise<string> => {
      const ids = Array.from({ length: 100 }, (_entry, index) => number * 100 + index);
      const calls = ids.map((id) => {
        const params = { name: "slow", arguments: { ms: id < slow ? 1_500 : 0 } };
        return { jsonrpc: "2.0", id, method: "tools/call", params };
      });
      return await (await client.post(calls)).text();
    };
    const first = batch(0);
    await waitFor("the first to be at work", async () => {
      const status = await statusOf(daemon.home);
      return status?.inFlight === slow;
    });
    const batches = await Promise.all([first, ...[1, 2, 3, 4, 5].map(batch)]);
    const count = (text: string): number => batches.join("").split(text).length - 1;
    expect(count("Too many requests in flight")).toBe(600 - LIMITS.inFlightPerSession);
    expect(count("slept")).toBe(LIMITS.inFlightPerSession);
    await expectWell(daemon);
  });
});

describe("a client that does not read", () => {
  test("its answers keeps nobody else waiting", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const session = await daemon.connect("echo");
    const params = { name: "huge", arguments: { bytes: 8 * MEBIBYTE } };
    const deaf = await Promise.all(
      Array.from({ length: 8 }, (_, id) =>
        DeafClient.ask(
          daemon.mcpUrl("echo"),
          {
            method: "POST",
            headers: session.headers({ "content-type": "application/json" }),
            body: JSON.stringify({ jsonrpc: "2.0", id: `d${id}`, method: "tools/call", params }),
          },
          null,
        ),
      ),
    );
    const other = await daemon.connect("echo");
    expect(await other.call("huge", { bytes: MEBIBYTE })).toHaveLength(MEBIBYTE);
    await waitFor("the calls to be done", async () => {
      return JSON.parse(await other.call("stats")).calls >= deaf.length + 1;
    });
    await expectWell(daemon);
    for (const { client } of deaf) client[Symbol.dispose]();
    await expectWell(daemon);
  });

  test("its stream is cut off, its session lives on", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const session = await daemon.connect("echo");
    const headers = session.headers({ accept: "text/event-stream" });
    const get = { method: "GET", headers };
    const deaf = await DeafClient.ask(daemon.mcpUrl("echo"), get, /keep-alive/);
    using _client = deaf.client;
    const uri = `echo://${"x".repeat(900_000)}`;
    await session.request("resources/subscribe", { uri });
    await waitFor("the cut", async () => {
      expect(await session.call("touch", { uri })).toBe("told");
      return daemon.log().includes("does not read");
    });
    expect(await session.call("add", { a: 2, b: 2 })).toBe("4");
    await expectWell(daemon);
  });

  test("over HTTP+SSE is cut off, and nobody else waits", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const headers = { "x-api-key": daemon.key };
    const get = { method: "GET", headers };
    const { client, said } = await DeafClient.ask(`${daemon.urls.sse}/echo`, get, /data: \S+\n/);
    using _client = client;
    const place = new URL(/data: (\S+)\n/.exec(said)?.[1] ?? "", daemon.origin);
    const post = async (message: object): Promise<number> =>
      (
        await fetch(place, {
          method: "POST",
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify({ jsonrpc: "2.0", ...message }),
        })
      ).status;
    const clientInfo = { name: "deaf", version: "1" };
    const hello = { protocolVersion: "2024-11-05", capabilities: {}, clientInfo };
    expect(await post({ id: 0, method: "initialize", params: hello })).toBe(202);
    const params = { name: "huge", arguments: { bytes: MEBIBYTE } };
    const ids = { last: 0 };
    await waitFor("the cut", async () => {
      ids.last++;
      expect(await post({ id: ids.last, method: "tools/call", params })).toBe(202);
      return daemon.log().includes("does not read");
    });
    await expectWell(daemon);
  });
});

describe("a project that is not there", () => {
  const mcpServers = {
    echo: fixture("echo.ts"),
    files: { ...fixture("echo.ts"), scope: "project" },
  };
  const wrong: readonly (readonly [string, string, { [name: string]: string }])[] = [
    ["in the URL", "?project=/no/such/place", {}],
    ["in the header", "", { "x-mcpd-project": "/no/such/place" }],
  ];
  for (const [where, query, headers] of wrong) {
    test(`${where} is told to its client, and is no trouble of anybody else`, async () => {
      await using daemon = await Daemon.start({ mcpServers });
      const url = `${daemon.mcpUrl("files")}${query}`;
      const lost = new McpHttp({ url, key: daemon.key, headers });
      expect((await lost.initialize()).error).toMatchObject({
        code: -32602,
        message: expect.stringContaining("existing directory"),
        data: { fault: "project.unknown", subject: "/no/such/place" },
      });
      await expectWell(daemon);
      const project = { headers: { "x-mcpd-project": daemon.home.path } };
      const right = await daemon.connect("files", project);
      expect(await right.call("add", { a: 1, b: 2 })).toBe("3");
      expect(daemon.log()).not.toContain("ERROR");
    });
  }

  test("serves the client that named it once it has been made", async () => {
    await using daemon = await Daemon.start({ mcpServers });
    const place = join(daemon.home.path, "later");
    const client = await daemon.connect(undefined, { headers: { "x-mcpd-project": place } });
    const call = { name: "files__add", arguments: { a: 1, b: 2 } };
    const { response } = await client.request("tools/call", call);
    expect(response.error?.data).toMatchObject({ fault: "project.unknown" });
    mkdirSync(place);
    expect(await client.call("files__add", { a: 1, b: 2 })).toBe("3");
    await expectWell(daemon);
  });
});

test("a request whose session ends while its body comes in is answered", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const client = await daemon.connect("echo");
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(Buffer.from('{"jsonrpc":"2.0","id":7,'));
      begun.resolve();
      await ended.promise;
      controller.enqueue(Buffer.from('"method":"ping"}'));
      controller.close();
    },
  });
  const answer = client.post(body);
  await begun.promise;
  // The head of the request has to be there first.
  await Bun.sleep(200);
  expect(await client.close()).toBe(200);
  ended.resolve();
  const { error } = await refusalOf(await within("the answer", answer, 3_000));
  expect(error?.code).toBe(-32001);
  await expectWell(daemon);
});
