import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { PacedChannel } from "../../src/transport/paced-channel.ts";
import { listenPipe } from "../../src/transport/pipe-server.ts";
import type { SocketConnection, SocketOptions } from "../../src/transport/socket-connection.ts";
import { listenSocket, type SocketListener } from "../../src/transport/socket-server.ts";
import { silentLog } from "../helpers/doors.ts";
import { posixTest } from "../helpers/posix.ts";
import { ROOT } from "../helpers/sources.ts";

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function freshDirectory(): string {
  const directory = mkdtempSync("/tmp/mcpd-sock-");
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A program that answers each line by "got: line" and remembers its connections. */
function echo(address: string) {
  const connections: SocketConnection[] = [];
  const closed = Promise.withResolvers<void>();
  const options: SocketOptions = {
    address,
    log: silentLog,
    messageBytesMax: () => 1_000,
    accept(connection) {
      connections.push(connection);
      return {
        message: (text) => void connection.send(`got: ${text}`),
        closed: () => closed.resolve(),
      };
    },
  };
  return { options, connections, closed: closed.promise };
}

async function listening(options: SocketOptions): Promise<SocketListener> {
  const listener = await listenSocket(options);
  if (isFault(listener)) throw new Error(listener.text);
  cleanups.push(() => listener.close());
  return listener;
}

/** A client: writes text, and waits for lines. */
async function client(address: string) {
  let text = "";
  let wanted: { readonly lines: number; resolve(lines: string[]): void } | undefined;
  const over = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    unix: address,
    socket: {
      data(_socket, chunk) {
        text += chunk.toString();
        const lines = text.split("\n");
        if (wanted === undefined || lines.length <= wanted.lines) return;
        wanted.resolve(lines.slice(0, wanted.lines));
        text = lines.slice(wanted.lines).join("\n");
      },
      close: () => over.resolve(),
    },
  });
  cleanups.push(() => socket.terminate());
  return {
    socket,
    over: over.promise,
    lines(count: number): Promise<string[]> {
      const { promise, resolve } = Promise.withResolvers<string[]>();
      wanted = { lines: count, resolve };
      return promise;
    },
  };
}

describe("listenSocket()", () => {
  test("carries lines both ways, for the owner alone", async () => {
    const directory = freshDirectory();
    const address = join(directory, "inner", "s");
    const program = echo(address);
    await listening(program.options);
    expect(statSync(address).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "inner")).mode & 0o777).toBe(0o700);
    const { socket, lines, over } = await client(address);
    const answers = lines(2);
    socket.write("on");
    socket.write("e\ntwo\n");
    expect(await answers).toEqual(["got: one", "got: two"]);
    program.connections[0]?.close();
    await over;
    await program.closed;
    expect(program.connections[0]?.send("late")).toBe(false);
  });

  test("sends a message with line breaks as one line", async () => {
    const address = join(freshDirectory(), "s");
    const program = echo(address);
    await listening(program.options);
    const { socket, lines } = await client(address);
    const hello = lines(1);
    socket.write("hello\n");
    await hello;
    const answer = lines(1);
    program.connections[0]?.send('{\r\n"a": 1}');
    expect(await answer).toEqual(['{ "a": 1}']);
  });

  test("answers a line past the limit and reads on", async () => {
    const address = join(freshDirectory(), "s");
    await listening(echo(address).options);
    const { socket, lines } = await client(address);
    const answers = lines(2);
    socket.write(`${"x".repeat(1_500)}\nnext\n`);
    const [refusal = "", next] = await answers;
    expect(JSON.parse(refusal)).toMatchObject({
      id: null,
      error: { code: -32600, data: { fault: "message.too-large", limitBytes: 1_000 } },
    });
    expect(next).toBe("got: next");
  });

  test("keeps the order of what waits while the client is slow", async () => {
    const address = join(freshDirectory(), "s");
    const program = echo(address);
    await listening(program.options);
    const { socket, lines } = await client(address);
    const hello = lines(1);
    socket.write("hello\n");
    await hello;
    const answers = lines(200);
    socket.pause();
    const filler = "x".repeat(50_000);
    for (let count = 0; count < 200; count += 1) {
      expect(program.connections[0]?.send(`${count} ${filler}`)).toBe(true);
    }
    program.connections[0]?.close();
    socket.resume();
    const numbers = (await answers).map((line) => Number.parseInt(line, 10));
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, count) => count));
  });

  test("closes the connection of a client that never reads", async () => {
    const address = join(freshDirectory(), "s");
    const program = echo(address);
    await listening(program.options);
    const { socket, lines } = await client(address);
    const hello = lines(1);
    socket.write("hello\n");
    await hello;
    socket.pause();
    const filler = "x".repeat(1_000_000);
    let sent = 0;
    while (sent < 100 && program.connections[0]?.send(filler) === true) sent += 1;
    await program.closed;
    expect(sent).toBeLessThan(LIMITS.socketQueueBytes / 1_000_000 + 10);
  });

  test("replaces a socket nobody listens on, and nothing else", async () => {
    const directory = freshDirectory();
    const address = join(directory, "s");
    const stale = Bun.spawnSync([
      process.execPath,
      "-e",
      `Bun.listen({ unix: ${JSON.stringify(address)}, socket: { data() {} } });
       process.kill(process.pid, "SIGKILL");`,
    ]);
    expect(stale.signalCode).toBe("SIGKILL");
    expect(existsSync(address)).toBe(true);
    const listener = await listening(echo(address).options);
    expect(await listenSocket(echo(address).options)).toMatchObject({ code: "daemon.running" });
    listener.close();
    expect(existsSync(address)).toBe(false);
    writeFileSync(address, "precious");
    expect(await listenSocket(echo(address).options)).toMatchObject({ code: "file.failed" });
    expect(existsSync(address)).toBe(true);
  });

  posixTest("lets one of many have a dead socket, and none take it from that one", async () => {
    const address = join(freshDirectory(), "race.sock");
    const dead = [
      "-e",
      'Bun.listen({ unix: process.argv[1], socket: { data() {} } }); console.log("up")',
    ];
    for (let round = 0; round < 3; round += 1) {
      const owner = Bun.spawn([process.execPath, ...dead, address], { stdout: "pipe" });
      await owner.stdout.getReader().read();
      owner.kill("SIGKILL");
      await owner.exited;
      // One that has just been made may be listened on in a moment.
      utimesSync(address, 0, 0);
      const script = join(ROOT, "test", "fixtures", "process", "listener.ts");
      const rivals = Array.from({ length: 8 }, () =>
        Bun.spawn([process.execPath, script, address], { stdin: "pipe", stdout: "pipe" }),
      );
      const said = await Promise.all(
        rivals.map(async ({ stdout }) =>
          new TextDecoder().decode((await stdout.getReader().read()).value).trim(),
        ),
      );
      expect(said.toSorted()).toEqual([...Array<string>(7).fill("daemon.running"), "listening"]);
      const probe = await Bun.connect({ unix: address, socket: { data: () => undefined } });
      probe.terminate();
      for (const { stdin } of rivals) void stdin.end();
      await Promise.all(rivals.map(({ exited }) => exited));
    }
  });

  test("refuses a directory that others may write to", async () => {
    const directory = freshDirectory();
    chmodSync(directory, 0o777);
    const refused = await listenSocket(echo(join(directory, "s")).options);
    expect(refused).toMatchObject({ code: "file.failed", subject: directory });
  });
});

describe("listenPipe()", () => {
  test("carries lines and closes slow clients, as the socket does", async () => {
    // node:net takes a socket path where Windows has its pipe names.
    const address = join(freshDirectory(), "p");
    const program = echo(address);
    const listener = await listenPipe(program.options);
    if (isFault(listener)) throw new Error(listener.text);
    cleanups.push(() => listener.close());
    expect(await listenPipe(echo(address).options)).toMatchObject({ code: "daemon.running" });
    const { socket, lines } = await client(address);
    const answers = lines(2);
    socket.write("one\ntwo\n");
    expect(await answers).toEqual(["got: one", "got: two"]);
    socket.pause();
    const filler = "x".repeat(1_000_000);
    let sent = 0;
    while (sent < 100 && program.connections[0]?.send(filler) === true) sent += 1;
    await program.closed;
    expect(sent).toBeLessThan(LIMITS.socketQueueBytes / 1_000_000 + 10);
  });
});

describe("PacedChannel", () => {
  test("holds a result for a later tick only when a notification came before", async () => {
    const sent: string[] = [];
    const plain = new PacedChannel(systemClock, (text) => void sent.push(text));
    plain.write("result", true);
    expect(sent).toEqual(["result"]);
    const done = Promise.withResolvers<void>();
    const paced = new PacedChannel(systemClock, (text) => {
      sent.push(text);
      if (text === "late result") done.resolve();
    });
    paced.write("note", false);
    paced.write("late result", true);
    expect(sent).toEqual(["result", "note"]);
    await done.promise;
    expect(sent).toEqual(["result", "note", "late result"]);
  });
});
