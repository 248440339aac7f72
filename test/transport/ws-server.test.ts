import { describe, expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import { DeafClient } from "../helpers/deaf-client.ts";
import { type Doors, KEY, notification, openDoors } from "../helpers/doors.ts";

type Message = { readonly [key: string]: unknown };

/** A client whose frames are read one by one. */
class Client {
  readonly socket: WebSocket;
  readonly closed = Promise.withResolvers<CloseEvent>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #frames: string[] = [];
  #wake: () => void = () => undefined;

  constructor(url: string, options: object = { headers: { "x-api-key": KEY } }) {
    this.socket = new WebSocket(url, options as never);
    this.socket.onopen = () => this.#opened.resolve();
    this.socket.onmessage = ({ data }) => {
      this.#frames.push(String(data));
      this.#wake();
    };
    this.socket.onclose = (event) => {
      this.closed.resolve(event);
      this.#opened.reject(new Error(`closed with ${event.code}`));
    };
  }

  static async open(url: string, options?: object): Promise<Client> {
    const client = new Client(url, options);
    await client.#opened.promise;
    return client;
  }

  send(message: Message): void {
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  async next(): Promise<Message> {
    while (this.#frames.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return JSON.parse(this.#frames.shift() ?? "");
  }

  async ask(id: number, method: string, params: Message = {}): Promise<Message> {
    this.send({ id, method, params });
    return await this.next();
  }
}

function urlOf(doors: Doors, path: string): string {
  return `${doors.url.replace("http", "ws")}${path}`;
}

/** The status a handshake is refused with. */
async function refusedWith(
  doors: Doors,
  path: string,
  headers: { readonly [name: string]: string } = {},
): Promise<number> {
  const handshake = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const response = await doors.ask(path, { headers: { ...handshake, ...headers } });
  await response.body?.cancel();
  return response.status;
}

describe("a WebSocket", () => {
  test("is a session of its own, for all upstreams or one, with the project it names", async () => {
    await using doors = openDoors();
    const all = await Client.open(urlOf(doors, "/ws"));
    const one = await Client.open(urlOf(doors, "/ws/fs?project=/p"));
    const hello = { protocolVersion: "2025-06-18" };
    expect(await all.ask(1, "initialize", hello)).toMatchObject({ id: 1, result: hello });
    expect(await one.ask(1, "initialize", hello)).toMatchObject({ id: 1, result: hello });
    expect(doors.desk.sessions.map(({ opening }) => opening)).toEqual([
      { view: { kind: "all" }, principal: "key", project: null, door: "ws" },
      { view: { kind: "one", upstream: "fs" }, principal: "key", project: "/p", door: "ws" },
    ]);
    all.socket.close();
    await doors.desk.until(() => doors.desk.session(0).closed);
    expect(doors.desk.session(1).closed).toBe(false);
  });

  test("has its subprotocol when it asks for it, and takes the key from the URL", async () => {
    await using doors = openDoors();
    const asking = await Client.open(urlOf(doors, `/ws?api_key=${KEY}`), { protocols: ["mcp"] });
    const silent = await Client.open(urlOf(doors, `/ws?api_key=${KEY}`), {});
    expect([asking.socket.protocol, silent.socket.protocol]).toEqual(["mcp", ""]);
  });

  test("carries what nobody asked for, progress before its answer, and questions", async () => {
    await using doors = openDoors();
    const client = await Client.open(urlOf(doors, "/ws"));
    const session = doors.desk.session(0);
    session.listener?.write(notification("notifications/tools/list_changed"), false);
    expect(await client.next()).toMatchObject({ method: "notifications/tools/list_changed" });
    client.send({ id: 7, method: "progress", params: { _meta: { progressToken: "t" } } });
    expect(await client.next()).toMatchObject({ method: "notifications/progress" });
    expect(await client.next()).toMatchObject({ id: 7 });
    client.send({ id: "q", result: {} });
    client.send({ method: "notifications/initialized" });
    await doors.desk.until(() => session.heard.length === 3);
    expect(session.heard.slice(1)).toMatchObject([
      { kind: "response", id: "q" },
      { kind: "notification" },
    ]);
  });

  test("answers a batch only in the revision that has them", async () => {
    await using doors = openDoors();
    const client = await Client.open(urlOf(doors, "/ws"));
    const batch =
      '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]';
    client.socket.send(batch);
    expect(await client.next()).toMatchObject({ id: null, error: { code: -32600 } });
    await client.ask(0, "initialize", { protocolVersion: "2025-03-26" });
    client.socket.send(batch);
    expect([await client.next(), await client.next()]).toMatchObject([{ id: 1 }, { id: 2 }]);
  });

  test("is told what is wrong with a message, and lives on", async () => {
    await using doors = openDoors();
    const client = await Client.open(urlOf(doors, "/ws"));
    client.socket.send("no JSON");
    expect(await client.next()).toMatchObject({ id: null, error: { code: -32700 } });
    client.socket.send(new Uint8Array([123, 125]));
    expect(await client.next()).toMatchObject({
      error: { code: -32600, message: expect.stringContaining("the frame is binary") },
    });
    client.send({ id: 3 });
    expect(await client.next()).toMatchObject({ id: 3, error: { code: -32600 } });
    expect(await client.ask(4, "ping")).toMatchObject({ id: 4 });
  });

  test("is closed by a message past the limit, which may change", async () => {
    let limit = 1_000;
    await using doors = openDoors({}, () => limit);
    const text = "x".repeat(2_000);
    const first = await Client.open(urlOf(doors, "/ws"));
    first.send({ id: 1, method: "ping", params: { text } });
    expect((await first.closed.promise).code).toBe(1009);
    await doors.desk.until(() => doors.desk.session(0).closed);
    limit = 5_000;
    const second = await Client.open(urlOf(doors, "/ws"));
    expect(await second.ask(1, "ping", { text })).toMatchObject({ id: 1 });
  });

  test("is cut off when its client does not read, and its session ends", async () => {
    await using doors = openDoors();
    using deaf = await DeafClient.ask(
      `${doors.url}/ws`,
      {
        method: "GET",
        headers: {
          "x-api-key": KEY,
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
      },
      /101 Switching Protocols/,
    ).then(({ client }) => client);
    expect(deaf).toBeDefined();
    const session = doors.desk.session(0);
    const text = notification("notifications/message", { data: "x".repeat(1_000_000) });
    const messages = Math.ceil(LIMITS.socketQueueBytes / text.length) + 20;
    for (let count = 0; count < messages; count += 1) session.listener?.write(text, false);
    await doors.desk.until(() => session.closed);
  });

  test("two hundred of them are answered, each on its own", async () => {
    await using doors = openDoors();
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => Client.open(urlOf(doors, "/ws"))),
    );
    const answers = await Promise.all(clients.map((client, id) => client.ask(id, "ping")));
    expect(answers.map(({ id }) => id)).toEqual(clients.map((_, id) => id));
    for (const { socket } of clients) socket.close();
    await doors.desk.until(() => doors.desk.sessions.every(({ closed }) => closed));
  });

  test("is told that the daemon stops", async () => {
    const doors = openDoors();
    const client = await Client.open(urlOf(doors, "/ws"));
    await doors[Symbol.asyncDispose]();
    expect((await client.closed.promise).code).toBe(1001);
  });
});

describe("a client over WebSocket that comes back", () => {
  /** A client whose connection breaks without a word while it waits for an answer. */
  async function broken(doors: Doors) {
    const client = await Client.open(urlOf(doors, "/ws"));
    await client.ask(0, "initialize", { protocolVersion: "2025-06-18" });
    client.send({ id: 7, method: "wait" });
    const session = doors.desk.session(0);
    await doors.desk.until(() => session.waiting.length > 0);
    (client.socket as WebSocket & { terminate(): void }).terminate();
    await doors.desk.until(() => session.listener === null);
    const headers = { "x-api-key": KEY, "mcp-session-id": session.id };
    return { session, options: { headers } };
  }

  test("goes on with what is in flight, and gets what it has missed, once", async () => {
    await using doors = openDoors();
    const { session, options } = await broken(doors);
    // The answer to `initialize` was given to it.
    expect(doors.events.bytes).toBe(0);
    session.waiting[0]?.channel.write('{"jsonrpc":"2.0","id":7,"result":{}}', true);
    const back = await Client.open(urlOf(doors, "/ws"), options);
    expect(await back.next()).toMatchObject({ id: 7, result: {} });
    expect(await back.ask(8, "ping")).toMatchObject({ id: 8 });
    expect(doors.desk.sessions).toHaveLength(1);
    const third = await Client.open(urlOf(doors, "/ws"), options);
    expect((await back.closed.promise).code).toBe(1001);
    expect(await third.ask(9, "ping")).toMatchObject({ id: 9 });
    expect(session.closed).toBe(false);
  });

  test("goes on after a time that is too long for what was in flight", async () => {
    await using doors = openDoors();
    const { session, options } = await broken(doors);
    doors.clock.pass();
    expect([session.asleep, session.closed]).toEqual([true, false]);
    const back = await Client.open(urlOf(doors, "/ws"), options);
    expect(await back.ask(8, "ping")).toMatchObject({ id: 8 });
  });

  test("is not given a session of another view, or one that was ended", async () => {
    await using doors = openDoors();
    const { session, options } = await broken(doors);
    expect(await refusedWith(doors, "/ws/fs", options.headers)).toBe(404);
    const back = await Client.open(urlOf(doors, "/ws"), options);
    back.socket.close();
    await doors.desk.until(() => session.closed);
    expect(await refusedWith(doors, "/ws", options.headers)).toBe(404);
  });
});

describe("the handshake of a WebSocket", () => {
  test("passes the gate like any other request", async () => {
    await using doors = openDoors();
    expect(await refusedWith(doors, "/ws", { "x-api-key": "wrong" })).toBe(401);
    expect(await refusedWith(doors, "/ws", { origin: "http://evil.example" })).toBe(403);
    expect(await refusedWith(doors, "/ws", { host: "evil.example" })).toBe(403);
    expect(doors.desk.sessions).toEqual([]);
  });

  test("is refused for what is not there or not complete", async () => {
    await using doors = openDoors();
    expect(await refusedWith(doors, "/ws/gone")).toBe(404);
    expect(await refusedWith(doors, "/ws/fs/more")).toBe(404);
    expect(await refusedWith(doors, "/ws?project=relative")).toBe(400);
    const plain = await doors.ask("/ws");
    expect([plain.status, plain.headers.get("upgrade")]).toEqual([426, "websocket"]);
    expect(await plain.json()).toMatchObject({
      error: { message: expect.stringContaining("/ws") },
    });
  });
});
