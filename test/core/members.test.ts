import { beforeEach, expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Reach } from "../../src/core/unit.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { Board } from "../helpers/board.ts";
import {
  boardWith,
  REACH,
  replicaAt,
  ReplicaBoard,
  startReplica,
  TOOLS,
} from "../helpers/replica-board.ts";
import { unitOf } from "../helpers/unit.ts";

// A config with other replicas than before: those that stay notice nothing.

const ONE = { kind: "one", upstream: "a" } as const;

let board: ReplicaBoard;
let replicas: readonly Upstream[];

beforeEach(() => {
  [board, replicas] = boardWith(3);
  for (const each of replicas) startReplica(board, each);
});

const replica = (index: number): Upstream => replicaAt(replicas, index);
const counts = (method: string): readonly number[] => board.counts(replicas, method);

/** The same upstream with another number of replicas; its lists may be given again. */
function resize(count: number): readonly Upstream[] {
  const reach = count === 1 ? REACH : { ...REACH, replicas: count };
  return reachedBy(reach, `${count} of them`);
}

function reachedBy(reach: Reach, hash: string): readonly Upstream[] {
  const unit = unitOf("a", { hash, reach });
  const reuse = { tools: [], resourcesMs: 60_000, forgottenBy: ["write"] };
  board.apply({ ...unit, settings: { ...unit.settings, reuse } });
  return board.switchboard.instances;
}

/** A board with only one of it, which works. */
function alone(): Upstream {
  board = new ReplicaBoard();
  const [one] = resize(1);
  if (one === undefined) throw new Error("there is none");
  startReplica(board, one);
  return one;
}

/** Another command in its place: what will take over once it is ready. */
function replaced(): Upstream {
  reachedBy({ ...REACH, command: "other" }, "other");
  const demanded = board.effects.findLast(({ kind }) => kind === "demand");
  if (demanded?.kind !== "demand") throw new Error("there is no replacement");
  return demanded.upstream;
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
  const sessions = [board.join(ONE), board.join(ONE), board.join(ONE)];
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
  const session = board.open(ONE);
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

test("what was alone is the first of several: its calls go on, and its clients stay there", () => {
  const one = alone();
  const session = board.join(ONE);
  const uri = "note://1";
  const box = board.ask(session, "tools/call", { name: "write" }, 1);
  board.ask(session, "resources/subscribe", { uri }, 2);
  board.answerLast(one, "resources/subscribe");
  const [first, second, ...more] = resize(2);
  expect([first, more]).toEqual([one, []]);
  if (second === undefined) throw new Error("there is no second");
  expect(board.effects).toContainEqual({ kind: "demand", upstream: second });
  expect([one, second].map(({ key }) => key)).toEqual(["a#1", "a#2"]);
  expect(board.ask(board.join(), "tools/list").answer?.result?.["tools"]).toEqual(TOOLS);
  startReplica(board, second);
  // The next daemon, too, is to know what it said.
  expect(board.effects).toContainEqual({ kind: "remember", upstream: board.upstream("a") });
  board.ask(session, "prompts/get", { name: "say", n: 1 }, 3);
  expect(board.counts([one, second], "prompts/get")).toEqual([1, 0]);
  board.ask(board.join(), "prompts/get", { name: "say", n: 2 });
  expect(board.counts([one, second], "prompts/get")).toEqual([1, 1]);
  board.answerLast(one, "tools/call");
  expect(box.answer?.result).toEqual({ content: "done" });
  board.says(one, { method: "notifications/resources/updated", params: { uri } });
  expect(board.pushed.get(session)?.map(({ method }) => method)).toEqual([
    "notifications/resources/updated",
  ]);
  board.ask(session, "resources/unsubscribe", { uri }, 4);
  expect(board.sentBy(one, "resources/unsubscribe")).toHaveLength(1);
  board.pass(LIMITS.drainMs + 100);
  expect(board.effects.filter(({ kind }) => kind === "drained")).toEqual([]);
});

test("who waits for the lists of what was alone gets them from whichever has them first", () => {
  board = new ReplicaBoard();
  const [one] = resize(1);
  const box = board.ask(board.join(), "tools/list");
  if (one === undefined) throw new Error("there is none");
  board.perform(board.switchboard.opened(one, board.nowMs));
  const capabilities = { tools: {} };
  const about = { protocolVersion: "2025-06-18", capabilities, serverInfo: {} };
  board.reply(one, board.last("a", "initialize"), about);
  const asked = board.last("a", "tools/list");
  resize(2);
  expect(box.answer).toBeNull();
  board.reply(one, asked, { tools: TOOLS });
  expect(box.answer?.result?.["tools"]).toEqual(TOOLS);
});

test("one of several that is alone again goes on under its number", () => {
  expect(resize(1)).toEqual([replica(0)]);
  board.pass(LIMITS.drainMs + 100);
  const ended = board.effects.flatMap((one) => (one.kind === "drained" ? [one.upstream] : []));
  expect(ended).toEqual([replica(1), replica(2)]);
  expect(resize(2).map(({ key }) => key)).toEqual(["a#1", "a#2"]);
});

test("one alone that does not work yet has nothing to keep: another takes its place", () => {
  board = new ReplicaBoard();
  const [idle] = resize(1);
  const both = resize(2);
  expect(both).not.toContain(idle);
  expect(both.map(({ key }) => key)).toEqual(["a#1", "a#2"]);
});

test("one of a project becomes several of that project, as lately used as it was", () => {
  const scoped = (count: number): void => {
    const reach = count === 1 ? REACH : { ...REACH, replicas: count };
    const unit = unitOf("a", { scope: "project", hash: String(count), reach });
    board.apply({ ...unit, settings: { ...unit.settings, idleStopMs: 1_000 } });
  };
  board = new ReplicaBoard();
  scoped(1);
  const session = board.open(ONE, "/work");
  board.ask(session, "initialize", { protocolVersion: "2025-06-18" });
  const working = (): readonly Upstream[] =>
    board.switchboard.instances.filter(({ audience }) => audience.kind === "project");
  const [one] = working();
  if (one === undefined) throw new Error("there is none");
  startReplica(board, one);
  board.pass(5_000);
  board.ask(session, "tools/call", { name: "write" }, 2);
  board.answerLast(one, "tools/call");
  scoped(2);
  board.perform(board.switchboard.rest(board.nowMs));
  expect(board.effects.filter(({ kind }) => kind === "rest")).toEqual([]);
  expect(working().map(({ key }) => key)).toEqual(["a@/work#1", "a@/work#2"]);
  expect(working()[0]).toBe(one);
});

test("what was read before there were more is not given again once they have gone", () => {
  const one = alone();
  const session = board.join(ONE);
  const read = (id: number): void => {
    board.ask(session, "resources/read", { uri: "note://1" }, id);
  };
  read(1);
  board.answerLast(one, "resources/read", "old");
  read(2);
  expect(board.sentBy(one, "resources/read")).toHaveLength(1);
  resize(2);
  board.ask(session, "tools/call", { name: "write" }, 3);
  board.answerLast(one, "tools/call");
  resize(1);
  read(4);
  expect(board.sentBy(one, "resources/read")).toHaveLength(2);
});

test("what is read while something changes is not kept, though there are more meanwhile", () => {
  const one = alone();
  const session = board.join(ONE);
  board.ask(session, "tools/call", { name: "write" }, 1);
  resize(2);
  board.ask(session, "resources/read", { uri: "note://1" }, 2);
  board.answerLast(one, "resources/read");
  expect(board.shelf.kept.size).toBe(0);
  board.answerLast(one, "tools/call");
  board.ask(session, "resources/read", { uri: "note://1" }, 3);
  board.answerLast(one, "resources/read");
  expect(board.shelf.kept.size).toBe(1);
});

test("an address that stays is asked with the secrets it had: what it says is kept", () => {
  board = new ReplicaBoard();
  board.markOf = ({ reach }) => `of ${JSON.stringify(reach)}`;
  const reach = { kind: "remote", wire: "http", url: "http://a", headers: {} } as const;
  const [one] = reachedBy(reach, "one");
  if (one === undefined) throw new Error("there is none");
  startReplica(board, one);
  const session = board.join(ONE);
  const [first, second] = reachedBy({ ...reach, others: ["http://b"] }, "two");
  expect(first).toBe(one);
  if (second === undefined) throw new Error("there is no second");
  startReplica(board, second);
  board.ask(session, "resources/read", { uri: "note://1" }, 1);
  board.answerLast(one, "resources/read");
  expect(board.shelf.kept.size).toBe(1);
});

test("who subscribes or leaves while a replacement starts does so at the replacement as well", () => {
  const one = alone();
  const [left, stays] = [board.join(ONE), board.join(ONE)];
  board.ask(left, "resources/subscribe", { uri: "note://left" }, 1);
  board.answerLast(one, "resources/subscribe");
  const next = replaced();
  board.ask(stays, "resources/subscribe", { uri: "note://new" }, 1);
  board.answerLast(one, "resources/subscribe");
  board.perform(board.switchboard.close(left, "left", board.nowMs));
  startReplica(board, next);
  expect(board.upstream("a")).toBe(next);
  expect([...next.subscribers.keys()]).toEqual(["note://new"]);
  const asked = board.sentBy(next, "resources/subscribe").map(({ params }) => params?.["uri"]);
  expect(asked).toEqual(["note://new"]);
  expect(one.retired).not.toBeNull();
});

test("that those end which have left tells nobody that the one that stays does not start", () => {
  [board, replicas] = boardWith(3);
  const box = board.ask(board.open(ONE), "initialize", { protocolVersion: "2025-06-18" });
  resize(1);
  const died = fault("upstream.failed", "it was killed", "a");
  for (const gone of [replica(1), replica(2)]) board.lose(gone, died, false);
  expect(box.answer).toBeNull();
  board.lose(replica(0), died, false);
  expect(box.answer?.error?.message).toContain("it was killed");
});

test("who has subscribed at what was replaced before it answered is told by the replacement", () => {
  const one = alone();
  const session = board.join(ONE);
  board.ask(session, "resources/subscribe", { uri: "note://1" }, 1);
  const next = replaced();
  startReplica(board, next);
  board.answerLast(one, "resources/subscribe");
  expect([...next.subscribers.keys()]).toEqual(["note://1"]);
  expect(board.sentBy(next, "resources/subscribe")).toHaveLength(1);
  expect(session.subscriptions.get("note://1")).toBe(next.key);
  board.perform(board.switchboard.close(session, "left", board.nowMs));
  expect(next.subscribers.size).toBe(0);
});

test("one more is asked to start while somebody waits for any of them", () => {
  [board, replicas] = boardWith(3);
  board.ask(board.open(ONE), "initialize", { protocolVersion: "2025-06-18" });
  const fourth = resize(4).at(-1);
  const demanded = board.effects.flatMap((one) => (one.kind === "demand" ? [one.upstream] : []));
  expect(demanded).toContain(fourth as Upstream);
});

test("who waits for one that leaves while it starts is served by those that stay", () => {
  [board, replicas] = boardWith(2);
  board.lose(replica(0), fault("upstream.failed", "it was killed", "a"), false);
  board.effects.splice(0);
  resize(1);
  const demanded = board.effects.flatMap((one) => (one.kind === "demand" ? [one.upstream] : []));
  expect(demanded).toEqual([replica(0)]);
});

test("who subscribes again while its replica comes back is told by one of them", () => {
  [board, replicas] = boardWith(2);
  startReplica(board, replica(0));
  const note = { uri: "note://1" };
  const session = board.join(ONE);
  board.ask(session, "resources/subscribe", note, 1);
  board.answerLast(replica(0), "resources/subscribe");
  board.lose(replica(0), fault("upstream.failed", "it was killed", "a"), true);
  board.perform(board.switchboard.opened(replica(0), board.nowMs));
  board.ask(session, "resources/subscribe", note, 2);
  startReplica(board, replica(1));
  board.answerLast(replica(1), "resources/subscribe");
  expect(replica(0).subscribers.size).toBe(0);
  expect([...replica(1).subscribers.keys()]).toEqual(["note://1"]);
});
