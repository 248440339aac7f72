import { afterEach, describe, expect, test } from "bun:test";

import { Bridge, type BridgeOptions } from "../../src/bridge/bridge.ts";
import { type Fault, fault, isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { SocketConnection } from "../../src/transport/socket-connection.ts";
import { listenSocket } from "../../src/transport/socket-server.ts";
import { silentLog } from "../helpers/doors.ts";
import { Streams } from "../helpers/streams.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor } from "../helpers/wait.ts";

type Message = { readonly id?: unknown; readonly method?: string; readonly params?: unknown };

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const line = (fields: object): string => JSON.stringify({ jsonrpc: "2.0", ...fields });

/** A daemon that answers by method: what it was told, and its connection. */
async function daemon(
  address: string,
  answers: { [method: string]: (id: unknown) => string[] } = {},
) {
  const told: Message[] = [];
  const connections: SocketConnection[] = [];
  const listener = await listenSocket({
    address,
    log: silentLog,
    messageBytesMax: () => 1_000_000,
    accept(connection) {
      connections.push(connection);
      return {
        message(text) {
          const message = JSON.parse(text) as Message;
          told.push(message);
          const answer = answers[message.method ?? ""] ?? ((id) => [line({ id, result: {} })]);
          if (message.id !== undefined) for (const one of answer(message.id)) connection.send(one);
        },
        closed: () => undefined,
      };
    },
  });
  if (isFault(listener)) throw new Error(listener.text);
  const stop = (): void => listener.close();
  cleanups.push(stop);
  return { told, connections, stop };
}

function bridge(address: string, options: Partial<BridgeOptions> = {}) {
  const streams = new Streams();
  const said: string[] = [];
  const made = new Bridge({
    address,
    attachment: { upstream: "fs", project: "/p" },
    streams,
    startDaemon: () => Promise.resolve(fault("daemon.unreachable", "No daemon, on purpose")),
    say: (text) => void said.push(text),
    clock: systemClock,
    random: () => 0,
    ...options,
  });
  const over = made.run();
  cleanups.push(() => streams.end());
  return { streams, said, over };
}

function freshAddress(): string {
  const directory = new TemporaryDirectory();
  cleanups.push(() => directory[Symbol.dispose]());
  return directory.file("s.sock");
}

describe("Bridge", () => {
  test("says what it wants to see before anything of the client", async () => {
    const address = freshAddress();
    const { told } = await daemon(address);
    const { streams } = bridge(address);
    streams.send(`${line({ id: 1, method: "ping" })}\n`);
    expect(await streams.until(1)).toEqual([line({ id: 1, result: {} })]);
    expect(told).toMatchObject([
      { method: "mcpd/attach", params: { upstream: "fs", project: "/p" } },
      { id: 1, method: "ping" },
    ]);
  });

  test("keeps an answer behind its notification, also when both come at once", async () => {
    const address = freshAddress();
    const progress = line({ method: "notifications/progress", params: {} });
    await daemon(address, { "tools/call": (id) => [progress, line({ id, result: {} })] });
    const { streams } = bridge(address);
    streams.send(`${line({ id: 1, method: "tools/call" })}\n`);
    await streams.until(2);
    const [first, second] = streams.chunks;
    expect(first?.text).toBe(`${progress}\n`);
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(LIMITS.resultGapMs - 1);
  });

  test("asks for a daemon once, however many requests wait, and says why there is none", async () => {
    let asked = 0;
    const refused: Fault = fault("daemon.unreachable", "The daemon is not running: on purpose");
    const { streams, said } = bridge(freshAddress(), {
      startDaemon() {
        asked += 1;
        return Promise.resolve(refused);
      },
    });
    const requests = [1, 2, 3].map((id) => line({ id, method: "tools/list" }));
    streams.send(`${requests.join("\n")}\nno JSON\n${line({ method: "notifications/x" })}\n`);
    const lines = (await streams.until(4)).map((text) => JSON.parse(text));
    expect(lines.slice(0, 3)).toMatchObject(
      [1, 2, 3].map((id) => ({ id, error: { data: { fault: "daemon.unreachable" } } })),
    );
    expect(lines[3]).toMatchObject({ id: null, error: { code: -32700 } });
    expect(asked).toBe(1);
    expect(said).toEqual([expect.stringContaining("on purpose")]);
  });

  test("is silent to its client about a daemon that comes later", async () => {
    const address = freshAddress();
    const coming = Promise.withResolvers<null>();
    const { streams } = bridge(address, { startDaemon: () => coming.promise });
    streams.send(`${line({ id: "early", method: "ping" })}\n`);
    await daemon(address);
    coming.resolve(null);
    expect(await streams.until(1)).toEqual([line({ id: "early", result: {} })]);
  });

  test("passes nothing on twice, and never an answer of a daemon that is gone", async () => {
    const address = freshAddress();
    const silent = (): string[] => [];
    const first = await daemon(address, { "tools/call": silent, "tools/list": silent });
    const { streams } = bridge(address);
    streams.send(`${line({ id: 1, method: "tools/call" })}\n`);
    streams.send(`${line({ id: 2, method: "tools/list" })}\n`);
    await waitFor("both requests", () => first.told.length === 3);
    first.stop();
    expect(JSON.parse((await streams.until(1))[0] ?? "")).toMatchObject({
      id: 1,
      error: { data: { fault: "daemon.lost" } },
    });
    const second = await daemon(address);
    expect((await streams.until(2))[1]).toBe(line({ id: 2, result: {} }));
    expect(second.told.map(({ method }) => method)).toEqual(["mcpd/attach", "tools/list"]);
  });

  test("lets the daemon wait for a client that does not read", async () => {
    const address = freshAddress();
    const { connections } = await daemon(address);
    const { streams } = bridge(address);
    streams.send(`${line({ id: 1, method: "ping" })}\n`);
    await streams.until(1);
    const reading = Promise.withResolvers<number>();
    streams.slow = reading.promise;
    const text = line({ method: "notifications/message", params: { data: "x".repeat(500_000) } });
    for (let count = 0; count < 20; count += 1) connections[0]?.send(text);
    await waitFor("a first part", () => streams.lines.length > 1);
    await Bun.sleep(50);
    // What is not passed on stays with the daemon, which bounds it.
    expect(streams.lines.length).toBeLessThan(12);
    streams.slow = null;
    reading.resolve(1);
    expect(await streams.until(21)).toHaveLength(21);
  });

  test("ends with its input when nothing is owed, and when nobody reads", async () => {
    const address = freshAddress();
    await daemon(address);
    const one = bridge(address);
    one.streams.send(`${line({ id: 1, method: "ping" })}\n`);
    one.streams.end();
    await one.over;
    expect(one.streams.lines).toEqual([line({ id: 1, result: {} })]);
    const other = bridge(address);
    other.streams.broken = true;
    other.streams.send(`${line({ id: 1, method: "ping" })}\n`);
    await other.over;
  });
});
