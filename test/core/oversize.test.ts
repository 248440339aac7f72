import { expect, test } from "bun:test";

import { tooLargeAnswer } from "../../src/core/oversize.ts";
import { Board } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const BYTES_MAX = 1024;

/** What comes of a message that begins so while these calls are in flight (1 to `calls`). */
function outcomes(head: (ids: readonly number[]) => string, calls: number): readonly unknown[] {
  const board = new Board();
  board.apply(unitOf("files"));
  const files = board.start("files");
  const boxes = Array.from({ length: calls }, () =>
    board.ask(board.join(ONE), "tools/call", { name: "read" }),
  );
  const ids = files.exchanges.calls().map(({ id }) => id ?? -1);
  const answer = tooLargeAnswer(files, head(ids), BYTES_MAX);
  if (answer !== null) {
    board.perform(board.switchboard.fromUpstream(files, answer, board.nowMs));
  }
  return boxes.map(({ answer: answered }) => answered?.error?.data?.["fault"] ?? null);
}

const LARGE = "upstream.answer-too-large";

test("an answer that is too long settles the call whose id it begins with", () => {
  const head = (ids: readonly number[]): string =>
    `{"jsonrpc":"2.0","id":${ids[1]},"result":{"content":[{"type":"text","text":"xxx`;
  expect(outcomes(head, 2)).toEqual([null, LARGE]);
  expect(outcomes((ids) => `{ "id": ${ids[0]}, "jsonrpc": "2.0", "result": {`, 2)).toEqual([
    LARGE,
    null,
  ]);
});

test("one without an id at its beginning settles the only call in flight, and none of several", () => {
  const head = (): string => '{"result":{"content":[{"type":"text","text":"\\"id\\":1 xxx';
  expect(outcomes(head, 1)).toEqual([LARGE]);
  expect(outcomes(head, 2)).toEqual([null, null]);
});

test("what is no answer settles nothing", () => {
  for (const head of [
    "xxxxxxxx",
    '{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"xxx',
    '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{',
  ]) {
    expect(outcomes(() => head, 1)).toEqual([null]);
  }
});
