import { beforeEach, expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { Board } from "../helpers/board.ts";
import {
  boardWith,
  REACH,
  replicaAt,
  type ReplicaBoard,
  startReplica,
} from "../helpers/replica-board.ts";
import { unitOf } from "../helpers/unit.ts";

// A config with other replicas than before: those that stay notice nothing.

let board: ReplicaBoard;
let replicas: readonly Upstream[];

beforeEach(() => {
  [board, replicas] = boardWith(3);
  for (const each of replicas) startReplica(board, each);
});

const replica = (index: number): Upstream => replicaAt(replicas, index);
const counts = (method: string): readonly number[] => board.counts(replicas, method);

/** The same upstream with another number of replicas. */
function resize(count: number): readonly Upstream[] {
  board.apply(unitOf("a", { hash: `${count} of them`, reach: { ...REACH, replicas: count } }));
  return board.switchboard.instances;
}

test("one replica more does not touch the others: what is in flight there goes on", () => {
  const box = board.ask(board.join(), "tools/call", { name: "write" }, 1);
  const [first, , , fourth, ...more] = resize(4);
  expect([first, more]).toEqual([replica(0), []]);
  if (fourth === undefined) throw new Error("there is no fourth");
  expect(board.effects).toContainEqual({ kind: "demand", upstream: fourth });
  startReplica(board, fourth);
  board.answerLast(replica(0), "tools/call");
  expect(box.answer?.result).toEqual({ content: "done" });
  for (let id = 0; id < 4; id++) board.ask(board.join(), "prompts/get", { name: "say", n: id });
  expect(board.sentBy(fourth, "prompts/get")).toHaveLength(1);
  board.pass(LIMITS.drainMs + 100);
  expect(board.effects.filter(({ kind }) => kind === "drained")).toEqual([]);
});

test("one replica less ends the last, once it has done; who subscribed there is heard elsewhere", () => {
  const view = { kind: "one", upstream: "a" } as const;
  const sessions = [board.join(view), board.join(view), board.join(view)];
  for (const session of sessions) board.ask(session, "tools/call", { name: "write" }, 1);
  const [, , third] = sessions;
  if (third === undefined) throw new Error("no session");
  board.ask(third, "resources/subscribe", { uri: "note://1" }, 2);
  const last = replica(2);
  expect(board.sentBy(last, "resources/subscribe")).toHaveLength(1);
  board.answerLast(last, "resources/subscribe");
  expect(resize(2)).toEqual([replica(0), replica(1)]);
  expect(counts("resources/subscribe").slice(0, 2)).toEqual([1, 0]);
  board.ask(third, "prompts/get", { name: "say" }, 3);
  expect(counts("prompts/get")[2]).toBe(0);
  board.answerLast(last, "tools/call");
  board.pass(200);
  const ended = board.effects.flatMap((one) => (one.kind === "drained" ? [one.upstream] : []));
  expect(ended).toEqual([last]);
  // A number is of one replica for as long as anybody may remember it.
  expect(resize(3).map(({ key }) => key)).toEqual(["a#1", "a#2", "a#3"]);
});

test("of several addresses those stay that are still there, in whatever order", () => {
  const other = new Board();
  const at = (...urls: string[]): readonly Upstream[] => {
    const [url = "", ...others] = urls;
    const reach = { kind: "remote", wire: "http", url, others, headers: {} } as const;
    other.apply(unitOf("a", { hash: urls.join(" "), reach }));
    return other.switchboard.instances;
  };
  const [a, b] = at("http://a", "http://b");
  const [first, second, third] = at("http://c", "http://b", "http://a");
  expect([second, third]).toEqual([b, a]);
  expect([first, second, third].map((one) => one?.key)).toEqual(["a#3", "a#2", "a#1"]);
});

test("one that leaves while it is greeted does not keep those who wait from the others", () => {
  [board, replicas] = boardWith(3);
  const session = board.open({ kind: "one", upstream: "a" });
  const box = board.ask(session, "initialize", { protocolVersion: "2025-06-18" });
  board.perform(board.switchboard.opened(replica(2), board.nowMs));
  resize(2);
  const [hello] = board.sentBy(replica(2), "initialize");
  const about = { protocolVersion: "2025-06-18", capabilities: {}, serverInfo: {} };
  board.reply(replica(2), hello ?? {}, about);
  expect(box.answer).toBeNull();
  startReplica(board, replica(0));
  expect(box.answer?.result).toMatchObject({ protocolVersion: "2025-06-18" });
});
