import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ControlClient, whyUnreachable } from "../../src/control/client.ts";
import { type Fault, FaultError } from "../../src/core/fault.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";

const directory = mkdtempSync("/tmp/mcpd-");
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const CALL = { tool: "t", arguments: {} };

type Asked = { readonly id: number; readonly method: string; readonly params: unknown };
type Door = Disposable & { readonly address: string };
type Peer = { send(message: object): void; sendText(text: string): void; end(): void };

/** A daemon of one test: `answer` hears every message of every connection. */
function listen(name: string, answer: (asked: Asked, peer: Peer) => void): Door {
  const address = join(directory, name);
  const listener = Bun.listen<{ pending: string }>({
    unix: address,
    socket: {
      open(socket) {
        socket.data = { pending: "" };
      },
      data(socket, chunk) {
        const lines = (socket.data.pending + chunk.toString()).split("\n");
        socket.data.pending = lines.pop() ?? "";
        const sendText = (text: string): void => void socket.write(text);
        const send = (message: object): void => sendText(`${JSON.stringify(message)}\n`);
        for (const line of lines) {
          answer(JSON.parse(line) as Asked, { send, sendText, end: () => void socket.end() });
        }
      },
    },
  });
  return { address, [Symbol.dispose]: () => listener.stop(true) };
}

async function faultOf(action: Promise<unknown>): Promise<Fault> {
  try {
    await action;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error("no fault");
}

test("request() gets the answer to its own id, in any order and any chunks", async () => {
  const asked: Asked[] = [];
  using door = listen("order", (message, peer) => {
    asked.push(message);
    if (asked.length < 2) return;
    const [first, second] = asked;
    const text = `${JSON.stringify({ id: second?.id, result: { cancelled: true } })}\n`;
    peer.sendText(text.slice(0, 9));
    peer.sendText(`${text.slice(9)}not json\n${JSON.stringify({ id: 99, result: {} })}\n`);
    peer.send({ id: first?.id, result: { tools: [], missing: ["ä"] } });
  });
  const client = await ControlClient.connect(door.address);
  const tools = client.request("mcpd/tools", { search: "ü" });
  expect(await client.request("mcpd/cancel", { id: 7 })).toEqual({ cancelled: true });
  expect(await tools).toEqual({ tools: [], missing: ["ä"] });
  expect(asked.map(({ method, params }) => [method, params])).toEqual([
    ["mcpd/tools", { search: "ü" }],
    ["mcpd/cancel", { id: 7 }],
  ]);
  client.close();
});

test("request() rejects with the fault of the daemon, also with one it does not know", async () => {
  using door = listen("fault", ({ id, method }, peer) => {
    const data =
      method === "mcpd/call" ? { fault: "tool.unknown", subject: "x" } : { fault: "new" };
    peer.send({ id, error: { code: -32602, message: 'There is no tool "x"', data } });
  });
  const client = await ControlClient.connect(door.address);
  const call = client.request("mcpd/call", { tool: "x", arguments: {} });
  expect(await faultOf(call)).toMatchObject({
    code: "tool.unknown",
    text: 'There is no tool "x"',
    subject: "x",
  });
  expect(await faultOf(client.request("mcpd/status", {}))).toMatchObject({ code: "internal" });
  client.close();
});

test("request() hands on progress of its own call only", async () => {
  using door = listen("progress", ({ id }, peer) => {
    const note = { progress: 1, total: 2, message: null };
    peer.send({ method: "mcpd/progress", params: { ...note, id: id + 1 } });
    peer.send({ method: "mcpd/progress", params: { ...note, id } });
    peer.send({ id, result: {} });
  });
  const client = await ControlClient.connect(door.address);
  const notes: number[] = [];
  await client.request(
    "mcpd/call",
    { tool: "x", arguments: {} },
    {
      onProgress: (note) => notes.push(note.progress),
    },
  );
  expect(notes).toEqual([1]);
  client.close();
});

test("request() that is aborted or late is cancelled at the daemon", async () => {
  const cancelled: unknown[] = [];
  const both = Promise.withResolvers<void>();
  const controller = new AbortController();
  using door = listen("abort", ({ method, params }) => {
    if (method !== "mcpd/cancel") return controller.abort();
    cancelled.push(params);
    if (cancelled.length === 2) both.resolve();
  });
  let fire = (): void => undefined;
  const clock: Clock = {
    ...systemClock,
    after: (_, action) => {
      fire = action;
      return { cancel: () => undefined };
    },
  };
  const client = await ControlClient.connect(door.address, clock);
  const call = { tool: "x", arguments: {} };
  const { signal } = controller;
  expect(await faultOf(client.request("mcpd/call", call, { signal }))).toMatchObject({
    code: "exchange.cancelled",
  });
  const late = faultOf(client.request("mcpd/status", {}, { timeoutMs: 50 }));
  fire();
  expect(await late).toMatchObject({
    code: "exchange.timed-out",
    text: 'The daemon has not answered "mcpd/status" within 50 ms',
  });
  await both.promise;
  expect(cancelled).toEqual([{ id: 1 }, { id: 3 }]);
  expect(await faultOf(client.request("mcpd/call", call, { signal }))).toMatchObject({
    code: "exchange.cancelled",
  });
  client.close();
});

test("request() fails when the daemon goes away, then and afterwards", async () => {
  using door = listen("lost", (_, peer) => peer.end());
  const client = await ControlClient.connect(door.address);
  const lost = { code: "daemon.unreachable", text: expect.stringContaining("went away") };
  expect(await faultOf(client.request("mcpd/status", {}))).toMatchObject(lost);
  expect(await faultOf(client.request("mcpd/status", {}))).toMatchObject(lost);
});

test("request() leaves a call undecided when the daemon goes away in the middle of it", async () => {
  using door = listen("undecided", (_, peer) => peer.end());
  const client = await ControlClient.connect(door.address);
  const problem = await faultOf(client.request("mcpd/call", { tool: "x", arguments: {} }));
  expect(problem.code).toBe("daemon.lost");
});

test("request() delivers a message larger than the socket takes at once", async () => {
  const text = "x".repeat(3_000_000);
  using door = listen("large", ({ id, params }, peer) => {
    const { tool } = params as { tool: string };
    peer.send({ id, result: { length: tool.length } });
  });
  const client = await ControlClient.connect(door.address);
  expect(await client.request("mcpd/call", { tool: text, arguments: {} })).toEqual({
    length: text.length,
  });
  client.close();
});

test("connect() says why nobody answers", async () => {
  const why = async (address: string): Promise<string> => {
    const problem = await faultOf(ControlClient.connect(address));
    expect(problem.code).toBe("daemon.unreachable");
    return problem.text;
  };
  const missing = join(directory, "missing");
  expect(await why(missing)).toBe(`The daemon is not running: there is no socket at ${missing}`);
  const plain = join(directory, "plain");
  writeFileSync(plain, "");
  expect(await why(plain)).toBe(`Cannot reach the daemon: ${plain} is not a socket`);
  const stale = join(directory, "stale");
  // Killed outright, so that its socket stays.
  const options = `{ unix: ${JSON.stringify(stale)}, socket: { data() {} } }`;
  const script = `Bun.listen(${options}); process.kill(process.pid, "SIGKILL");`;
  await Bun.spawn([process.execPath, "-e", script]).exited;
  expect(await why(stale)).toBe(
    `The daemon is not running: the socket at ${stale} is left over from one that has ended`,
  );
});

test("whyUnreachable() names a socket of another user", () => {
  const denied = Object.assign(new Error("Failed to connect"), { code: "EACCES" });
  expect(whyUnreachable("/run/x.sock", denied).text).toBe(
    "Cannot reach the daemon: permission denied, /run/x.sock belongs to another user",
  );
});

test("over() knows a wire that ended before it was there", async () => {
  const client = await ControlClient.over((events) => {
    events.closed();
    return Promise.resolve({
      send: () => undefined,
      congested: false,
      pause: () => undefined,
      resume: () => undefined,
      close: () => undefined,
    });
  });
  expect(client.open).toBe(false);
  const asked = client.request("mcpd/status", {}).catch((error: unknown) => error);
  expect(await asked).toMatchObject({ fault: { code: "daemon.unreachable" } });
});

test("request() answers what its call asks, and tells the asked when the call has ended", async () => {
  const asked = { mode: "form", message: "Who?" };
  using door = listen("question", ({ id, method, params }, peer) => {
    if (method === "mcpd/call") {
      for (const question of [1, 2]) {
        peer.send({ method: "mcpd/question", params: { id, question, asked } });
      }
    } else if (method === "mcpd/answer") {
      peer.send({ id: 1, result: { content: [], answer: params } });
    }
  });
  const client = await ControlClient.connect(door.address);
  const signals: AbortSignal[] = [];
  const result = await client.request("mcpd/call", CALL, {
    onQuestion(what, signal) {
      expect(what).toEqual(asked);
      // The second is never answered.
      if (signals.push(signal) > 1) return new Promise(() => undefined);
      return Promise.resolve({ action: "decline" });
    },
  });
  expect(result["answer"]).toEqual({ id: 1, question: 1, reply: { action: "decline" } });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  client.close();
});
