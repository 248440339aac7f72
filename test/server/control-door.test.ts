import { expect, test } from "bun:test";

import type { ControlHandlers } from "../../src/control/host.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openControl } from "../../src/server/control-door.ts";
import { FakeDesk, silentLog } from "../helpers/doors.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

/** Sends lines to a fresh control door and returns what it answers to them, in order. */
async function converse(lines: readonly string[], answers: number): Promise<readonly unknown[]> {
  using directory = new TemporaryDirectory();
  const address = directory.file("control.sock");
  const listener = await openControl({
    address,
    desk: new FakeDesk(),
    handlers: {} as ControlHandlers,
    messageBytesMax: () => 100_000,
    clock: systemClock,
    log: silentLog,
  });
  const done = Promise.withResolvers<string>();
  let heard = "";
  const socket = await Bun.connect({
    unix: address,
    socket: {
      data(_socket, chunk) {
        heard += chunk.toString();
        if (heard.split("\n").length > answers) done.resolve(heard);
      },
    },
  });
  socket.write(lines.map((line) => `${line}\n`).join(""));
  const text = await done.promise;
  socket.end();
  listener.close();
  return text
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

const hello = (version: string): string =>
  `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${version}"}}`;
const ping = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"ping"}`;

test("what is no message is answered under its id, when it has one", async () => {
  const answers = await converse(['{"id":5,"method":"ping"}', "garbage"], 2);
  expect(answers).toMatchObject([
    { id: 5, error: { code: -32600 } },
    { id: null, error: { code: -32700 } },
  ]);
});

test("a batch is taken apart where the revision has batches, and refused elsewhere", async () => {
  const batch = `[${ping(1)},${ping(2)}]`;
  expect(await converse([hello("2025-03-26"), batch], 3)).toMatchObject([
    { id: 0 },
    { id: 1, result: {} },
    { id: 2, result: {} },
  ]);
  expect(await converse([hello("2025-11-25"), batch], 2)).toMatchObject([
    { id: 0 },
    { id: null, error: { code: -32600 } },
  ]);
});

test("a batch that is too long is refused as a whole", async () => {
  const batch = `[${Array.from({ length: LIMITS.batchMessages + 1 }, (_, id) => ping(id)).join(",")}]`;
  const [, refusal] = await converse([hello("2025-03-26"), batch], 2);
  expect(refusal).toMatchObject({ id: null, error: { code: -32600 } });
});
