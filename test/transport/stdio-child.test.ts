import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { textOf, type Wire } from "../../src/core/message.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import type { CloseReason } from "../../src/transport/link.ts";
import { type ChildPipes, StdioChildLink } from "../../src/transport/stdio-child.ts";

const LIMITS = { lineBytesMax: () => 16 * 1024 * 1024, queueBytesMax: 1024 * 1024 };
const fixture = (name: string): string => join(import.meta.dir, "..", "fixtures", "process", name);

/** One link and what it says. */
class Ear {
  readonly messages: string[] = [];
  /** "string", or "object" for bytes. */
  readonly forms: string[] = [];
  readonly noises: string[] = [];
  readonly reasons: CloseReason[] = [];
  readonly link: StdioChildLink;
  readonly closed: Promise<CloseReason>;
  #wake: () => void = () => undefined;

  constructor(pipes: ChildPipes, limits = LIMITS, clock: Clock = systemClock) {
    const closed = Promise.withResolvers<CloseReason>();
    this.closed = closed.promise;
    const events = {
      message: (wire: Wire): void => {
        this.messages.push(typeof wire === "string" ? wire : textOf(wire));
        this.forms.push(typeof wire);
        this.#wake();
      },
      noise: (text: string): void => void this.noises.push(text),
      closed: (reason: CloseReason): void => {
        this.reasons.push(reason);
        closed.resolve(reason);
      },
    };
    this.link = new StdioChildLink(pipes, events, limits, clock);
  }

  async received(count: number): Promise<void> {
    while (this.messages.length < count) await new Promise<void>((go) => (this.#wake = go));
  }
}

const children: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
});

function spawn(name: string, ...args: string[]): ChildPipes & { child: Bun.Subprocess } {
  const child = Bun.spawn([process.execPath, fixture(name), ...args], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    lazy: true,
  });
  children.push(child);
  return { child, stdin: child.stdin, stdout: child.stdout, alive: () => child.exitCode === null };
}

/** Lets one turn of the event loop pass: that is when what was queued is written. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("StdioChildLink", () => {
  test("carries messages of every size both ways, in order", async () => {
    const ear = new Ear(spawn("echo.ts"));
    const sent = [10, 1000, 900_000, 5].map((size, id) =>
      JSON.stringify({ id, text: "ä".repeat(size) }),
    );
    for (const [index, text] of sent.entries()) {
      expect(ear.link.send(text)).toBe(true);
      await ear.received(index + 1);
    }
    expect(ear.messages).toEqual(sent);
    expect(ear.forms).toEqual(["string", "string", "object", "string"]);
  });

  test("hands over bytes that are no UTF-8 as text, mended, however long the line", async () => {
    const padding = Buffer.from("x".repeat(20_000));
    const line = Buffer.concat([
      Buffer.from('{"a":"'),
      padding,
      Buffer.of(0xff),
      Buffer.from('"}\n'),
    ]);
    const stdout = new ReadableStream<Uint8Array>({ start: (to) => to.enqueue(line) });
    const stdin = { write: () => 0, flush: () => 0, end: () => undefined };
    const ear = new Ear({ stdin, stdout, alive: () => true });
    await ear.received(1);
    expect(ear.forms).toEqual(["string"]);
    expect(ear.messages[0]).toEndWith('x\ufffd"}');
  });

  test("sends what comes in one turn as one write", async () => {
    const writes: string[] = [];
    const stdin = {
      write: (text: string): number => writes.push(text),
      flush: (): number => 0,
      end: (): void => undefined,
    };
    const ear = new Ear({ stdin, stdout: new ReadableStream(), alive: () => true });
    ear.link.send("{1}");
    ear.link.send("{2}");
    await turn();
    ear.link.send("{3}");
    await turn();
    expect(writes).toEqual(["{1}\n{2}\n", "{3}\n"]);
  });

  test("refuses more when the child does not read, and goes on when it does", async () => {
    const stuck = Promise.withResolvers<number>();
    const writes: string[] = [];
    const stdin = {
      write: (text: string): number | Promise<number> => {
        writes.push(text);
        return writes.length === 1 ? stuck.promise : text.length;
      },
      flush: (): number => 0,
      end: (): void => undefined,
    };
    const limits = { lineBytesMax: () => 100, queueBytesMax: 25 };
    const ear = new Ear({ stdin, stdout: new ReadableStream(), alive: () => true }, limits);
    expect(ear.link.send("1234567890")).toBe(true);
    await turn();
    expect(ear.link.send("1234567890")).toBe(true);
    expect(ear.link.send("1234567890")).toBe(false);
    stuck.resolve(11);
    await turn();
    await turn();
    expect(writes).toEqual(["1234567890\n", "1234567890\n"]);
    expect(ear.link.send("1234567890")).toBe(true);
    await turn();
    expect(writes.length).toBe(3);
  });

  test("refuses when a real child has stopped reading", async () => {
    const ear = new Ear(spawn("stubborn.ts"));
    await ear.received(1);
    const chunk = `{"x":"${"y".repeat(64 * 1024)}"}`;
    let accepted = 0;
    while (accepted < 1000 && ear.link.send(chunk)) {
      accepted += 1;
      await Bun.sleep(0);
    }
    expect(accepted).toBeLessThan(1000);
    ear.link.close({ kind: "local", text: "enough" });
  });

  test("tells noise from messages and skips a line of 10 MB", async () => {
    const limits = { ...LIMITS, lineBytesMax: () => 1024 * 1024 };
    const ear = new Ear(spawn("talker.ts"), limits);
    expect((await ear.closed).kind).toBe("remote");
    expect(ear.noises.map((text) => text.slice(0, 40))).toEqual([
      "a line of more than 1048576 bytes: xxxxx",
      "Server listening...",
    ]);
    expect(ear.messages).toEqual([
      '{"jsonrpc":"2.0","id":1,"result":{}}',
      '{"jsonrpc":"2.0","id":2,"res',
    ]);
  });

  test("says once that the child closed its output, and takes nothing after that", async () => {
    const ear = new Ear(spawn("mute.ts"));
    expect(await ear.closed).toEqual({ kind: "remote", text: "it closed its output" });
    expect(ear.link.send("{}")).toBe(false);
    ear.link.close({ kind: "local", text: "again" });
    expect(ear.reasons.length).toBe(1);
  });

  test("survives writing to a child that has just died", async () => {
    const pipes = spawn("echo.ts");
    const ear = new Ear({ ...pipes, alive: () => true });
    pipes.child.kill("SIGKILL");
    await pipes.child.exited;
    for (let round = 0; round < 20; round++) {
      ear.link.send(`{"round":${round},"x":"${"y".repeat(100_000)}"}`);
      await Bun.sleep(0);
    }
    expect((await ear.closed).kind).toBe("remote");
  });

  test("reads on after its input broke, but not for ever", async () => {
    let output: ReadableStreamDefaultController<Uint8Array> | null = null;
    const stdout = new ReadableStream<Uint8Array>({
      start: (controller) => void (output = controller),
    });
    const stdin = {
      write: (): Promise<number> => Promise.reject(new Error("EPIPE")),
      flush: (): number => 0,
      end: (): void => undefined,
    };
    const timers: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      after: (_delayMs, action) => {
        timers.push(action);
        return { cancel: () => undefined };
      },
    };
    const ear = new Ear({ stdin, stdout, alive: () => true }, LIMITS, clock);
    ear.link.send("{}");
    while (timers.length === 0) await Bun.sleep(0);
    expect(ear.link.send("{}")).toBe(false);
    (output as ReadableStreamDefaultController<Uint8Array> | null)?.enqueue(
      new TextEncoder().encode('{"last":"words"}\n'),
    );
    await ear.received(1);
    for (const action of timers) action();
    expect(await ear.closed).toEqual({ kind: "error", text: "it takes no more input: EPIPE" });
  });

  test("closes when its owner fails on a message, and says what it was", async () => {
    const bugs: unknown[] = [];
    const closed = Promise.withResolvers<CloseReason>();
    const events = {
      message: () => {
        throw new Error("a bug");
      },
      noise: () => undefined,
      closed: (reason: CloseReason) => closed.resolve(reason),
    };
    const failed = (error: unknown): void => void bugs.push(error);
    const link = new StdioChildLink(spawn("echo.ts"), events, LIMITS, systemClock, failed);
    link.send("{}");
    expect(await closed.promise).toEqual({
      kind: "error",
      text: "mcpd failed on what it sent: Error: a bug",
    });
    expect(bugs).toEqual([new Error("a bug")]);
    expect(link.send("{}")).toBe(false);
  });

  test("close() sends what is queued, ends the input and silences the child", async () => {
    const pipes = spawn("echo.ts");
    const ear = new Ear(pipes);
    ear.link.send('{"bye":1}');
    ear.link.close({ kind: "local", text: "done" });
    expect(await ear.closed).toEqual({ kind: "local", text: "done" });
    expect(await pipes.child.exited).toBe(0);
    expect(ear.messages).toEqual([]);
  });
});
