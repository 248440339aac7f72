import { describe, expect, test } from "bun:test";

import { META } from "../../src/core/envelope.ts";
import { HttpOrSseLink } from "../../src/transport/http-or-sse.ts";
import { RemoteServer, type RemoteServerOptions } from "../fixtures/servers/remote.ts";
import { occupyPort } from "../helpers/port.ts";
import { waitFor } from "../helpers/wait.ts";
import { RemoteScene } from "./remote-scene.ts";

type SceneOptions = ConstructorParameters<typeof RemoteScene>[2];

function linkTo(url: string, options?: SceneOptions): RemoteScene {
  return new RemoteScene((...words) => new HttpOrSseLink(...words), url, options);
}

/** A server, and a link to it that has shaken hands. */
async function meet(
  options: SceneOptions = {},
  server: RemoteServerOptions = {},
): Promise<{ server: RemoteServer; link: RemoteScene } & AsyncDisposable> {
  const there = new RemoteServer(server);
  const link = linkTo(there.url, options);
  await link.initialize();
  return {
    server: there,
    link,
    async [Symbol.asyncDispose]() {
      await link[Symbol.asyncDispose]();
      there[Symbol.dispose]();
    },
  };
}

const CASTER = {
  name: "caster",
  inputSchema: {
    type: "object",
    properties: {
      spell: { type: "string", "x-mcp-header": "Spell" },
      strength: { type: "integer", "x-mcp-header": "Strength" },
      loud: { type: "boolean", "x-mcp-header": "Loud" },
      gone: { type: "string", "x-mcp-header": "Gone" },
    },
  },
};

type Intercept = NonNullable<RemoteServerOptions["intercept"]>;

/** A server with these tools. */
function listing(tools: readonly object[]): Intercept {
  return (_request, message) => {
    if (message?.method !== "tools/list") return undefined;
    return Response.json({ jsonrpc: "2.0", id: message.id, result: { tools } });
  };
}

/** A server that refuses calls without the header of its tool, and lists it on a second page. */
const strict: Intercept = (request, message, text) => {
  if (message?.method === "tools/list") {
    const first = message.params?.["cursor"] === undefined;
    const result = first ? { tools: [], nextCursor: "2" } : { tools: [CASTER] };
    return Response.json({ jsonrpc: "2.0", id: message.id, result });
  }
  if (message?.method !== "tools/call") return undefined;
  if (request.headers.get("mcp-param-spell") === "light") {
    return Response.json({ jsonrpc: "2.0", id: message.id, result: { done: text !== "" } });
  }
  const error = { code: -32020, message: "Mcp-Param-Spell is missing" };
  return Response.json({ jsonrpc: "2.0", id: message.id, error }, { status: 400 });
};

function envelope(): { readonly _meta: { readonly [key: string]: unknown } } {
  return { _meta: { [META.version]: "2026-07-28", [META.capabilities]: {} } };
}

describe("the session", () => {
  test("is named with every request once the server has named it, and so is the revision", async () => {
    await using scene = await meet({ headers: { authorization: "Bearer abc" } });
    const { server, link } = scene;
    expect(await link.call("echo", { text: "hi" })).toBe("hi");
    expect(server.header("initialize", "mcp-session-id")).toBeNull();
    expect(server.header("tools/call", "mcp-session-id")).toHaveLength(36);
    expect(server.header("tools/call", "mcp-protocol-version")).toBe("2025-11-25");
    expect(server.header("tools/call", "accept")).toBe("application/json, text/event-stream");
    expect(server.header("tools/call", "authorization")).toBe("Bearer abc");
    expect(server.header("tools/call", "user-agent")).toMatch(/^mcpd\//);
  });

  test("is ended with DELETE when the link is closed", async () => {
    await using scene = await meet();
    scene.link.link.close({ kind: "local", text: "over" });
    expect(await scene.link.closed()).toMatchObject({ code: "upstream.failed" });
    expect(scene.server.sessions).toBe(0);
    expect(scene.link.link.send("{}")).toBe(false);
  });

  test("nothing overtakes the news that it has begun", async () => {
    const held = Promise.withResolvers<Response>();
    const methods: string[] = [];
    using server = new RemoteServer({
      intercept: (_request, message) => {
        if (message?.method !== undefined) methods.push(message.method);
        return message?.method === "notifications/initialized" ? held.promise : undefined;
      },
    });
    await using link = linkTo(server.url);
    await link.initialize();
    const listed = link.request("tools/list");
    await waitFor("the news", () => methods.includes("notifications/initialized"));
    expect(methods).not.toContain("tools/list");
    held.resolve(new Response(null, { status: 202 }));
    await listed;
    expect(methods).toEqual(["initialize", "notifications/initialized", "tools/list"]);
  });

  test.each([404, 400])("that the server has forgotten (%d) ends the link", async (status) => {
    await using scene = await meet(
      {},
      {
        intercept: (request, message) =>
          message?.method === "tools/call" && request.headers.get("mcp-session-id") !== null
            ? new Response("No valid session ID", { status })
            : undefined,
      },
    );
    const call = scene.link.ask("tools/call", { name: "echo", arguments: {} });
    const problem = await scene.link.closed();
    expect(problem).toMatchObject({ code: "upstream.unreachable", subject: "far" });
    expect(problem.text).toContain("has forgotten the session");
    const answer = scene.link.messages.find(({ id }) => id === call);
    expect(answer?.error?.message).toContain("the call was not carried out");
  });
});

describe("an answer", () => {
  test("as a stream comes with what belongs to it, in order", async () => {
    await using scene = await meet();
    expect(await scene.link.call("stream")).toBe("streamed");
    const [, note, answer] = scene.link.messages;
    expect(note).toMatchObject({ method: "notifications/message" });
    expect(answer).toMatchObject({ result: { content: [{ text: "streamed" }] } });
  });

  test("in a batch of 2025-03-26 is taken out of it", async () => {
    await using scene = await meet();
    expect(await scene.link.call("batch")).toBe("batched");
  });

  test("whose stream ends early is asked for with the id of its last event", async () => {
    await using scene = await meet();
    expect(await scene.link.call("resume")).toBe("resumed");
    expect(scene.server.header("GET", "last-event-id")).toBe("e1");
  });

  test("that is cut off is told as unknown, and not asked for again", async () => {
    await using scene = await meet();
    const { error } = await scene.link.request("tools/call", { name: "drop" });
    expect(error).toMatchObject({ code: -32603, data: { fault: "upstream.lost" } });
    expect(error?.message).toContain("It may or may not have had its effect");
    expect(scene.server.counted).toBe(1);
    expect(await scene.link.call("echo", { text: "still here" })).toBe("still here");
  });

  test("with HTTP 500 is told as unknown, with 4xx as refused, with the server's words", async () => {
    await using scene = await meet();
    const { error } = await scene.link.request("tools/call", {
      name: "status",
      arguments: { code: 500, text: "out of order" },
    });
    expect(error?.data).toMatchObject({ fault: "upstream.lost" });
    expect(error?.message).toContain("answered HTTP 500 Internal Server Error: out of order");
    const refused = await scene.link.request("tools/call", {
      name: "status",
      arguments: { code: 429, text: "slower" },
    });
    expect(refused.error?.data).toMatchObject({ fault: "upstream.refused" });
    expect(await scene.link.call("refuse")).toBe("not today");
  });

  test.each(["huge", "huge-event"])(
    "that is too large (%s) is refused at the bound",
    async (name) => {
      await using scene = await meet({ answerBytesMax: 10_000 });
      const { error } = await scene.link.request("tools/call", {
        name,
        arguments: { bytes: 20_000 },
      });
      expect(error?.data).toMatchObject({ fault: "upstream.answer-too-large" });
      expect(error?.message).toContain("larger than 10000 bytes");
      expect(await scene.link.call("echo", { text: "on" })).toBe("on");
    },
  );

  test("that is a web page, or nothing, is told as such", async () => {
    await using scene = await meet();
    expect(await scene.link.call("page")).toContain('answered with "text/html"');
    expect(await scene.link.call("silent")).toContain("its answer has no end");
  });

  test("that never comes keeps nobody else waiting", async () => {
    await using scene = await meet();
    scene.link.ask("tools/call", { name: "never" });
    expect(await scene.link.call("echo", { text: "next" })).toBe("next");
  });
});

describe("the stream of what belongs to no request", () => {
  test("is opened after the handshake, and again after it ended", async () => {
    await using scene = await meet();
    const { server, link } = scene;
    await waitFor("the stream", () => server.streams === 1);
    server.announce("notifications/tools/list_changed");
    await waitFor("the news", () => link.messages.some(({ method }) => method !== undefined));
    server.endStreams();
    await waitFor("another stream", () => server.streams === 1);
    server.announce("notifications/prompts/list_changed");
    await waitFor("more news", () =>
      link.messages.some(({ method }) => method === "notifications/prompts/list_changed"),
    );
  });

  test.each([405, 404, 400])("is done without when the server has none (%d)", async (status) => {
    const none = new Response(null, { status });
    await using scene = await meet(
      {},
      { intercept: (request) => (request.method === "GET" ? none.clone() : undefined) },
    );
    await waitFor("the attempt", () => scene.server.seen.some(({ method }) => method === "GET"));
    expect(await scene.link.call("echo", { text: "fine" })).toBe("fine");
    expect(scene.server.seen.filter(({ method }) => method === "GET")).toHaveLength(1);
  });

  test("tells when the server is gone, although nobody asks it for anything", async () => {
    await using scene = await meet();
    await waitFor("the stream", () => scene.server.streams === 1);
    scene.server[Symbol.dispose]();
    expect((await scene.link.closed()).text).toContain("the connection was refused");
  });
});

describe("a server that", () => {
  test("is not there is named with its address and the reason", async () => {
    const { port, [Symbol.dispose]: free } = occupyPort();
    free();
    await using link = linkTo(`http://127.0.0.1:${port}/mcp`);
    link.ask("initialize");
    expect(await link.closed()).toMatchObject({
      code: "upstream.unreachable",
      text: `Upstream "far" at http://127.0.0.1:${port}/mcp: the connection was refused, nothing listens there`,
    });
  });

  test("has no name in the network is told apart from one that is down", async () => {
    await using link = linkTo("http://no-such-host.invalid/mcp");
    link.ask("initialize");
    expect((await link.closed()).text).toContain("there is no host of that name");
  });

  test("wants other credentials says so, and never shows ours", async () => {
    using server = new RemoteServer({
      intercept: (request) =>
        new Response(`bad ${request.headers.get("authorization")}`, { status: 401 }),
    });
    await using link = linkTo(server.url, { headers: { authorization: "Bearer verysecret" } });
    link.ask("initialize");
    const problem = await link.closed();
    expect(problem).toMatchObject({ code: "upstream.unauthorized", subject: "far" });
    expect(problem.text).toContain("HTTP 401 Unauthorized");
    expect(JSON.stringify(problem)).not.toContain("verysecret");
  });

  test("redirects elsewhere is not followed there, but is within its own origin", async () => {
    using elsewhere = new RemoteServer();
    await using scene = await meet(
      {},
      {
        intercept: (request) =>
          request.url.endsWith("/mcp") && request.method === "POST"
            ? new Response(null, { status: 308, headers: { location: "/new" } })
            : undefined,
      },
    );
    expect(await scene.link.call("echo", { text: "moved" })).toBe("moved");
    scene.link.ask("tools/call", { name: "moved", arguments: { to: elsewhere.url } });
    expect((await scene.link.closed()).text).toContain(`it redirects to ${elsewhere.url}`);
    expect(elsewhere.seen).toEqual([]);
  });

  test("speaks neither of the two transports is told with what it answered to the newer", async () => {
    using server = new RemoteServer({
      intercept: (request) => new Response(`Cannot ${request.method}`, { status: 404 }),
    });
    await using link = linkTo(server.url);
    link.ask("initialize");
    const { text } = await link.closed();
    expect(text).toContain("answered HTTP 404 Not Found: Cannot POST");
    expect(text).toContain("no stream of the older HTTP+SSE either");
  });

  test("does not speak HTTP is told as such", async () => {
    using raw = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("SSH-2.0-OpenSSH\r\n\r\n") },
    });
    await using link = linkTo(`http://127.0.0.1:${raw.port}/mcp`);
    link.ask("initialize");
    expect((await link.closed()).text).toContain("what answers there is not HTTP");
  });
});

describe("a request of the modern era", () => {
  const about = envelope();

  test("repeats in its headers what it is, in base64 what no header can hold", async () => {
    await using scene = await meet();
    const { server, link } = scene;
    await link.request("tools/call", { ...about, name: "echo", arguments: { text: "x" } });
    expect(server.header("tools/call", "mcp-protocol-version")).toBe("2026-07-28");
    expect(server.header("tools/call", "mcp-method")).toBe("tools/call");
    expect(server.header("tools/call", "mcp-name")).toBe("echo");
    await link.request("resources/read", { ...about, uri: "file:///grüße" });
    const name = server.header("resources/read", "mcp-name");
    expect(name).toBe(`=?base64?${Buffer.from("file:///grüße").toString("base64")}?=`);
    await link.request("tools/list");
    expect(server.header("tools/list", "mcp-method")).toBeNull();
  });

  test("repeats the arguments that its tool wants in headers", async () => {
    await using scene = await meet({}, { intercept: listing([CASTER]) });
    const { server, link } = scene;
    await link.request("tools/list", about);
    const args = { spell: " light ", strength: 3, loud: false, "not asked": "x", gone: null };
    await link.request("tools/call", { ...about, name: "caster", arguments: args });
    const sent = (name: string) => server.header("tools/call", `mcp-param-${name}`);
    expect(sent("spell")).toBe(`=?base64?${Buffer.from(" light ").toString("base64")}?=`);
    expect([sent("strength"), sent("loud"), sent("gone")]).toEqual(["3", "false", null]);
    await link.request("tools/call", { name: "caster", arguments: args });
    expect(sent("strength")).toBeNull();
  });

  test("is shown no tool that wants headers in a wrong way, which is said once", async () => {
    const inputSchema = { properties: { a: { type: "number", "x-mcp-header": "A" } } };
    const bad = { name: "bad", inputSchema };
    await using scene = await meet({}, { intercept: listing([bad, CASTER]) });
    const { link } = scene;
    for (const params of [about, about, {}]) await link.request("tools/list", params);
    const lists = link.messages.slice(-3).map((answer) => answer.result);
    expect(lists as unknown).toEqual([
      { tools: [CASTER] },
      { tools: [CASTER] },
      { tools: [bad, CASTER] },
    ]);
    expect(link.noises).toHaveLength(1);
  });

  test("that is refused for a header it did not know of is asked again with it", async () => {
    await using scene = await meet({}, { intercept: strict });
    const { server, link } = scene;
    const call = { ...about, name: "caster", arguments: { spell: "light" } };
    const { result } = await link.request("tools/call", call);
    expect(result as unknown).toEqual({ done: true });
    const asked = server.seen.map((row) => row.message?.method).slice(-4);
    expect(asked).toEqual(["tools/call", "tools/list", "tools/list", "tools/call"]);
    // What no list explains is refused for good.
    const other = { ...about, name: "other", arguments: { spell: "light" } };
    expect((await link.request("tools/call", other)).error?.code).toBe(-32020);
  });

  test("is cancelled by closing its stream", async () => {
    const gone = Promise.withResolvers<void>();
    await using scene = await meet(
      {},
      {
        intercept: (request, message) => {
          if (message?.method !== "tools/call") return undefined;
          request.signal.addEventListener("abort", () => gone.resolve());
          return new Promise(() => undefined);
        },
      },
    );
    const { server, link } = scene;
    const requestId = link.ask("tools/call", { ...about, name: "never" });
    await waitFor("the call", () => server.header("tools/call", "mcp-name") === "never");
    link.notify("notifications/cancelled", { requestId });
    await gone.promise;
    expect(server.header("notifications/cancelled", "accept")).toBeNull();
  });
});

test("a request of its own is answered over the same session", async () => {
  const asked = { jsonrpc: "2.0", id: "q1", method: "roots/list" };
  await using scene = await meet();
  await waitFor("the stream", () => scene.server.streams === 1);
  scene.server.announce("ignored");
  scene.link.link.send(JSON.stringify({ jsonrpc: "2.0", id: asked.id, result: { roots: [] } }));
  const answer = await waitFor("the answer", () =>
    scene.server.seen.find(({ message }) => message?.id === "q1"),
  );
  expect(answer.headers.get("mcp-session-id")).toHaveLength(36);
});
