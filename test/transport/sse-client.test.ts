import { describe, expect, test } from "bun:test";

import { HttpOrSseLink } from "../../src/transport/http-or-sse.ts";
import { SseClientLink } from "../../src/transport/sse-client.ts";
import { type Params, textResult, welcome } from "../fixtures/servers/rpc.ts";
import { waitFor } from "../helpers/wait.ts";
import { RemoteScene } from "./remote-scene.ts";

type Posted = { readonly headers: Headers; readonly message: { readonly [key: string]: unknown } };

/** A server of HTTP+SSE as it was in 2024-11-05: GET /sse, POST to the endpoint it names. */
class OldServer implements Disposable {
  readonly posted: Posted[] = [];
  /** The status of the next POST. */
  status = 202;
  readonly #server: Bun.Server<undefined>;
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(endpoint = "/message?session=1") {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: async (request) => {
        if (request.method === "GET") return this.#listen(endpoint);
        if (!request.url.includes("/message")) return new Response("POST?", { status: 405 });
        const message = (await request.json()) as Posted["message"];
        this.posted.push({ headers: request.headers, message });
        const { status } = this;
        this.status = 202;
        if (status === 202) this.#answer(message);
        return new Response(null, { status });
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}/sse`;
  }

  /** Ends the stream, as the end of the server does. */
  end(): void {
    this.#stream?.close();
  }

  say(data: string): void {
    this.#stream?.enqueue(new TextEncoder().encode(`data: ${data}\n\n`));
  }

  #listen(endpoint: string): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
        controller.enqueue(new TextEncoder().encode(`event: endpoint\ndata: ${endpoint}\n\n`));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #answer({ id, method, params }: Posted["message"]): void {
    if (id === undefined) return;
    const result =
      method === "initialize" ? welcome(params as Params, "old", {}) : textResult("done");
    this.say(JSON.stringify({ jsonrpc: "2.0", id, result }));
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }
}

function linkTo(url: string): RemoteScene {
  const headers = { authorization: "Bearer abc" };
  return new RemoteScene((...words) => new SseClientLink(...words), url, { wire: "sse", headers });
}

describe("SseClientLink", () => {
  test("sends to the endpoint the server names, answers come on the stream", async () => {
    using server = new OldServer();
    await using link = linkTo(server.url);
    expect(await link.initialize()).toHaveProperty("result.serverInfo.name", "old");
    expect(await link.call("anything")).toBe("done");
    expect(server.posted.map(({ message }) => message["method"])).toEqual([
      "initialize",
      "notifications/initialized",
      "tools/call",
    ]);
    expect(server.posted[0]?.headers.get("authorization")).toBe("Bearer abc");
  });

  test("sends nothing to another origin", async () => {
    using other = new OldServer();
    using server = new OldServer(other.url.replace("/sse", "/message"));
    await using link = linkTo(server.url);
    link.ask("initialize");
    const { code, text } = await link.closed();
    expect(code).toBe("upstream.unreachable");
    expect(text).toContain(`it wants its messages sent to ${new URL(other.url).origin}`);
    expect(other.posted).toEqual([]);
  });

  test("ends with its stream", async () => {
    using server = new OldServer();
    await using link = linkTo(server.url);
    await link.initialize();
    server.end();
    expect((await link.closed()).text).toContain("it ended its stream");
    expect(link.link.send("{}")).toBe(false);
  });

  test("tells the caller when the server refuses a message, and goes on", async () => {
    using server = new OldServer();
    await using link = linkTo(server.url);
    await link.initialize();
    await waitFor("the news", () => server.posted.length === 2);
    server.status = 500;
    expect(await link.call("anything")).toContain("HTTP 500");
    expect(await link.call("anything")).toBe("done");
    server.say("no message");
    await waitFor("the noise", () => link.noises.includes("no message"));
  });
});

test("a server of HTTP+SSE alone is found by the newer transport", async () => {
  using server = new OldServer();
  await using link = new RemoteScene((...words) => new HttpOrSseLink(...words), server.url);
  await link.initialize();
  expect(await link.call("anything")).toBe("done");
});
