import { expect, test } from "bun:test";

import { StdioWire } from "../../src/transport/stdio-server.ts";
import { Streams } from "../helpers/streams.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function open(held: () => Promise<void> | undefined = () => undefined) {
  const streams = new Streams();
  const heard: string[] = [];
  const wire = new StdioWire(streams, {
    data(chunk) {
      heard.push(Buffer.from(chunk).toString());
      return held();
    },
    drained: () => void heard.push("drained"),
    closed: (asked) => void heard.push(asked ? "end of input" : "reader gone"),
  });
  return { streams, heard, wire };
}

test("lines go out in one write when they are flushed", () => {
  const { streams, wire } = open();
  wire.line(bytes("one"));
  wire.line(bytes("two"));
  wire.flush();
  expect(streams.chunks.map(({ text }) => text)).toEqual(["one\ntwo\n"]);
});

test("input is read on only when what came has been dealt with", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { streams, heard, wire } = open(() => promise);
  const done = wire.read();
  streams.send("one");
  streams.send("two");
  await Bun.sleep(0);
  expect(heard).toEqual(["one"]);
  resolve();
  streams.end();
  await done;
  expect(heard).toEqual(["one", "two", "end of input"]);
});

test("a reader that does not read makes it congested until it does", async () => {
  const { streams, heard, wire } = open();
  const { promise, resolve } = Promise.withResolvers<number>();
  streams.slow = promise;
  wire.line(bytes("one"));
  wire.flush();
  expect(wire.congested).toBe(true);
  streams.slow = null;
  resolve(1);
  await promise;
  await Bun.sleep(0);
  expect(wire.congested).toBe(false);
  expect(heard).toEqual(["drained"]);
});

test("a reader that has gone is told once, and nothing is written any more", async () => {
  const { streams, heard, wire } = open();
  streams.broken = true;
  wire.line(bytes("one"));
  wire.line(bytes("two"));
  wire.flush();
  expect(heard).toEqual(["reader gone"]);
  const late = open();
  const { promise, reject } = Promise.withResolvers<number>();
  late.streams.slow = promise;
  late.wire.flush();
  late.wire.line(bytes("one"));
  reject(new Error("EPIPE"));
  await promise.catch(() => undefined);
  await Bun.sleep(0);
  expect(late.heard).toEqual(["reader gone"]);
});

test("the end of the input leaves the output open for what is owed", async () => {
  const { streams, heard, wire } = open();
  streams.end();
  await wire.read();
  wire.line(bytes("owed"));
  wire.flush();
  expect(heard).toEqual(["end of input"]);
  expect(streams.lines).toEqual(["owed"]);
});
