import { expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { Mailbox } from "../helpers/board.ts";
import { boardWith, replicaAt, type ReplicaBoard, startReplica } from "../helpers/replica-board.ts";

// Reads that wait for long are sent to a second replica as well.

let board: ReplicaBoard;
let replicas: readonly Upstream[];

const replica = (index: number): Upstream => replicaAt(replicas, index);
const counts = (method: string): readonly number[] => board.counts(replicas, method);

const HEDGE_MS = 500;

/** A read that the first replica has had for too long, and the second has as well. */
function late() {
  [board, replicas] = boardWith(3, { hedgeMs: HEDGE_MS });
  for (const each of replicas) startReplica(board, each);
  const session = board.join();
  const params = { name: "say", _meta: { progressToken: 7 } };
  const box = board.ask(session, "prompts/get", params, 1);
  board.pass(HEDGE_MS - 100);
  expect(counts("prompts/get")).toEqual([1, 0, 0]);
  board.pass(200);
  expect(counts("prompts/get")).toEqual([1, 1, 0]);
  board.pass(2 * HEDGE_MS);
  expect(counts("prompts/get")).toEqual([1, 1, 0]);
  return { session, box };
}

const cancelled = (): readonly number[] => counts("notifications/cancelled");

test("a late read is answered by the second replica when that is first, and withdrawn at the other", () => {
  const { box } = late();
  board.answerLast(replica(1), "prompts/get", "second");
  expect(box.answer?.result).toEqual({ content: "second" });
  expect(cancelled()).toEqual([1, 0, 0]);
  board.answerLast(replica(0), "prompts/get", "first");
  expect(box.answer?.result).toEqual({ content: "second" });
});

test("a late read is answered by the first all the same, and withdrawn at the second", () => {
  const { box } = late();
  board.answerLast(replica(0), "prompts/get", "first");
  expect(box.answer?.result).toEqual({ content: "first" });
  expect(cancelled()).toEqual([0, 1, 0]);
  board.answerLast(replica(1), "prompts/get", "second");
  expect(box.answer?.result).toEqual({ content: "first" });
});

test("a late read waits for the first when the second comes to nothing", () => {
  const { box } = late();
  board.lose(replica(1), fault("upstream.failed", "it was killed", "a"), true);
  expect(box.answer).toBeNull();
  board.answerLast(replica(0), "prompts/get", "first");
  expect(box.answer?.result).toEqual({ content: "first" });
});

test("what the second replica asks is put to the call, which knows what can be answered there", () => {
  [board, replicas] = boardWith(2, { hedgeMs: HEDGE_MS });
  for (const each of replicas) startReplica(board, each);
  const box = new Mailbox({ capabilities: { elicitation: {} } });
  board.ask(board.join(), "prompts/get", { name: "say" }, 1, box);
  board.pass(HEDGE_MS);
  board.says(replica(1), { id: "q", method: "elicitation/create", params: { message: "?" } });
  expect(box.notes.map(({ method }) => method)).toEqual(["elicitation/create"]);
});

test("a late write is sent once", () => {
  late();
  board.ask(board.join(), "tools/call", { name: "write" }, 1);
  board.pass(2 * HEDGE_MS);
  expect(counts("tools/call")).toEqual([0, 0, 1]);
});

test("a late read is given up at both when its client gives it up", () => {
  const { session, box } = late();
  board.tell(session, "notifications/cancelled", { requestId: 1 });
  expect(cancelled()).toEqual([1, 1, 0]);
  board.answerLast(replica(1), "prompts/get", "second");
  expect(box.answer?.error?.data).toEqual({ fault: "exchange.cancelled" });
});
