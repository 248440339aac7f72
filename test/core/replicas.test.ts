import { beforeEach, expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import type { Wire } from "../helpers/board.ts";
import {
  boardWith,
  replicaAt,
  type ReplicaBoard,
  startReplica,
  TOOLS,
} from "../helpers/replica-board.ts";
import { unitOf } from "../helpers/unit.ts";

// Several replicas of one upstream, seen from outside: what each was sent, and what clients got.

const died = fault("upstream.failed", "it was killed", "a");
let board: ReplicaBoard;
let replicas: readonly Upstream[];

beforeEach(() => {
  [board, replicas] = boardWith(3);
});

function start(upstream: Upstream, tools: readonly object[] = TOOLS): void {
  startReplica(board, upstream, tools);
}

/** What one replica was sent of a method. */
function sentTo(upstream: Upstream | undefined, method: string): readonly Wire[] {
  return board.sentBy(upstream, method);
}

const replica = (index: number): Upstream => replicaAt(replicas, index);
const counts = (method: string): readonly number[] => board.counts(replicas, method);

function answerLast(upstream: Upstream, method: string, content?: string): void {
  board.answerLast(upstream, method, content);
}

test("all are asked to start, and the first that is ready serves", () => {
  const session = board.join();
  const box = board.ask(session, "tools/call", { name: "a__write" }, 1);
  const demanded = board.effects.flatMap((one) =>
    one.kind === "demand" ? [one.upstream.key] : [],
  );
  expect(new Set(demanded)).toEqual(new Set(["a#1", "a#2", "a#3"]));
  start(replica(1));
  expect(counts("tools/call")).toEqual([0, 1, 0]);
  answerLast(replica(1), "tools/call");
  expect(box.answer?.result).toEqual({ content: "done" });
});

test("reads go where least is in flight", () => {
  for (const each of replicas) start(each);
  for (let id = 0; id < 6; id++) board.ask(board.join(), "prompts/get", { name: "say", n: id });
  expect(counts("prompts/get")).toEqual([2, 2, 2]);
  answerLast(replica(1), "prompts/get");
  board.ask(board.join(), "prompts/get", { name: "say", n: "more" });
  expect(counts("prompts/get")).toEqual([2, 3, 2]);
});

test("a session stays where it wrote; others are spread", () => {
  for (const each of replicas) start(each);
  const sessions = [board.join(), board.join(), board.join()];
  for (const session of sessions) board.ask(session, "tools/call", { name: "write" }, 1);
  expect(counts("tools/call")).toEqual([1, 1, 1]);
  for (const session of sessions) board.ask(session, "tools/call", { name: "write" }, 2);
  const [first] = sessions;
  if (first === undefined) throw new Error("no session");
  board.ask(first, "prompts/get", { name: "say" }, 3);
  expect(counts("tools/call")).toEqual([2, 2, 2]);
  expect(counts("prompts/get")).toEqual([1, 0, 0]);
});

test("a read survives the end of its replica, a write is told that its outcome is unknown", () => {
  for (const each of replicas) start(each);
  const session = board.join();
  const write = board.ask(session, "tools/call", { name: "write" }, 1);
  const read = board.ask(session, "prompts/get", { name: "say" }, 2);
  board.lose(replica(0), died, true);
  expect(counts("tools/call")).toEqual([1, 0, 0]);
  expect(write.answer?.error).toMatchObject({ data: { fault: "upstream.lost" } });
  expect(write.answer?.error?.message).toContain("outcome of the request is unknown");
  expect(read.answer).toBeNull();
  expect(counts("prompts/get")).toEqual([1, 1, 0]);
  answerLast(replica(1), "prompts/get");
  expect(read.answer?.result).toEqual({ content: "done" });
});

test.each([
  ["look", true, [1, 1, 0]],
  ["look", false, [1, 0, 0]],
  ["lie", true, [1, 0, 0]],
  ["write", true, [1, 0, 0]],
] as const)("a call of %s, with hints believed: %p, is sent to %p", (name, trustReadOnly, sent) => {
  [board, replicas] = boardWith(3, { trustReadOnly });
  for (const each of replicas) start(each);
  board.ask(board.join(), "tools/call", { name }, 1);
  board.lose(replica(0), died, true);
  expect(counts("tools/call")).toEqual([...sent]);
});

test("what never reached a replica goes to another, a write too", () => {
  for (const each of replicas) start(each);
  const box = board.ask(board.join(), "tools/call", { name: "write" }, 1);
  const unreachable = { code: -32603, message: "away", data: { fault: "upstream.unreachable" } };
  board.says(replica(0), { id: sentTo(replica(0), "tools/call")[0]?.id ?? 0, error: unreachable });
  expect(counts("tools/call")).toEqual([1, 1, 0]);
  answerLast(replica(1), "tools/call");
  expect(box.answer?.result).toEqual({ content: "done" });
});

test("what could not be written to a replica goes to another, a write too", () => {
  for (const each of replicas) start(each);
  const box = board.ask(board.join(), "tools/call", { name: "write" }, 1);
  const [exchange] = replica(0).exchanges.open;
  if (exchange === undefined) throw new Error("nothing is in flight");
  board.perform(board.switchboard.undelivered(replica(0), exchange, board.nowMs));
  expect(counts("tools/call")).toEqual([1, 1, 0]);
  answerLast(replica(1), "tools/call");
  expect(box.answer?.result).toEqual({ content: "done" });
});

test("a request that reaches no replica at all is answered in the end", () => {
  for (const each of replicas) start(each);
  const box = board.ask(board.join(), "tools/call", { name: "write" }, 1);
  const error = { code: -32603, message: "away", data: { fault: "upstream.unreachable" } };
  for (let round = 0; round < 20 && box.answer === null; round++) {
    const at = replicas.find((each) => each.exchanges.size > 0);
    if (at === undefined) break;
    board.says(at, { id: sentTo(at, "tools/call").at(-1)?.id ?? 0, error });
  }
  expect(box.answer?.error?.message).toBe("away");
});

test("one that is silent is asked for a list; without an answer its reads are moved", () => {
  for (const each of replicas) start(each);
  const session = board.join();
  const write = board.ask(session, "tools/call", { name: "write" }, 1);
  const read = board.ask(session, "prompts/get", { name: "say" }, 2);
  const lists = sentTo(replica(0), "tools/list").length;
  board.pass(LIMITS.silentMs - 1_000);
  board.ask(board.join(), "prompts/get", { name: "say", other: 1 });
  board.pass(1_000);
  expect(sentTo(replica(0), "tools/list").length).toBe(lists + 1);
  // The others have requests as well and are asked too; they answer.
  for (const other of [replica(1), replica(2)]) {
    for (const asked of sentTo(other, "tools/list").slice(1))
      board.reply(other, asked, { tools: TOOLS });
  }
  expect(read.answer).toBeNull();
  board.pass(LIMITS.healthTimeoutMs);
  expect(board.upstream("a").group?.breaker(replica(0))).toBe("open");
  expect(counts("tools/call")).toEqual([1, 0, 0]);
  expect(counts("prompts/get")[0]).toBe(1);
  const moved = replicas.slice(1).flatMap((each) => sentTo(each, "prompts/get"));
  expect(moved.length).toBe(2);
  for (const each of replicas.slice(1)) {
    for (const asked of sentTo(each, "prompts/get")) board.reply(each, asked, { content: "moved" });
  }
  expect(read.answer?.result).toEqual({ content: "moved" });
  // It wakes up after all: the answer that nobody waits for any more hurts nobody.
  answerLast(replica(0), "prompts/get", "late");
  answerLast(replica(0), "tools/call", "late");
  expect(write.answer?.result ?? write.answer?.error).toBeDefined();
  expect(board.upstream("a").group?.breaker(replica(0))).toBe("closed");
});

/** Lets the first replica be silent for so long that it is not trusted; the others answer. */
function silence(): void {
  board.pass(LIMITS.silentMs);
  for (const other of replicas.slice(1)) {
    for (const asked of sentTo(other, "tools/list").slice(1)) {
      board.reply(other, asked, { tools: TOOLS });
    }
  }
  board.pass(LIMITS.healthTimeoutMs);
  expect(board.upstream("a").group?.breaker(replica(0))).toBe("open");
}

test("what a replica asks late about a read that was moved is not put to another client", () => {
  for (const each of replicas) start(each);
  const [reader, writer] = [board.join(), board.join()];
  for (const session of [reader, writer]) session.capabilities = { elicitation: {} };
  board.ask(reader, "prompts/get", { name: "say" }, 1);
  for (const each of replicas.slice(1)) {
    for (const id of [1, 2]) board.ask(board.join(), "prompts/get", { name: "say", id }, id);
    expect(each.exchanges.size).toBeGreaterThan(0);
  }
  const write = board.ask(writer, "tools/call", { name: "write" }, 1);
  expect(counts("tools/call")[0]).toBe(1);
  silence();
  expect(write.answer).toBeNull();
  board.says(replica(0), { id: 7, method: "elicitation/create", params: { message: "?" } });
  expect(write.notes).toEqual([]);
});

test("a read that has asked its client something stays where it is", () => {
  for (const each of replicas) start(each);
  const session = board.join();
  session.capabilities = { elicitation: {} };
  const box = board.ask(session, "prompts/get", { name: "say" }, 1);
  board.says(replica(0), { id: 7, method: "elicitation/create", params: { message: "?" } });
  expect(box.notes.length).toBe(1);
  silence();
  expect(counts("prompts/get")).toEqual([1, 0, 0]);
});

test("one that is not trusted is tried with a single list call when its time has come", () => {
  for (const each of replicas) start(each);
  const error = { code: -32603, message: "cut", data: { fault: "upstream.lost" } };
  const session = board.join();
  for (let count = 0; count < LIMITS.breakerFailures; count++) {
    board.ask(session, "tools/call", { name: "write" }, count + 1);
    board.says(replica(0), { id: sentTo(replica(0), "tools/call").at(-1)?.id ?? 0, error });
  }
  expect(counts("tools/call")).toEqual([LIMITS.breakerFailures, 0, 0]);
  const lists = sentTo(replica(0), "tools/list").length;
  board.ask(session, "tools/call", { name: "write" }, 10);
  expect(counts("tools/call")).toEqual([LIMITS.breakerFailures, 1, 0]);
  board.pass(LIMITS.breakerOpenMs);
  expect(board.upstream("a").group?.breaker(replica(0))).toBe("half-open");
  expect(sentTo(replica(0), "tools/list").length).toBe(lists + 1);
  board.ask(board.join(), "prompts/get", { name: "say" });
  expect(counts("prompts/get")).toEqual([0, 0, 1]);
  board.reply(replica(0), sentTo(replica(0), "tools/list").at(-1) ?? {}, { tools: TOOLS });
  expect(board.upstream("a").group?.breaker(replica(0))).toBe("closed");
});

test("a subscription is of one replica and moves with its end", () => {
  for (const each of replicas) start(each);
  const session = board.join({ kind: "one", upstream: "a" });
  const box = board.ask(session, "resources/subscribe", { uri: "x://1" }, 1);
  expect(counts("resources/subscribe")).toEqual([1, 0, 0]);
  board.reply(replica(0), sentTo(replica(0), "resources/subscribe")[0] ?? {}, {});
  expect(box.answer?.result).toEqual({});
  board.ask(session, "prompts/get", { name: "say" }, 2);
  expect(counts("prompts/get")).toEqual([1, 0, 0]);
  answerLast(replica(0), "prompts/get");
  board.lose(replica(0), died, true);
  expect(counts("resources/subscribe")).toEqual([1, 1, 0]);
  const method = "notifications/resources/updated";
  board.says(replica(1), { method, params: { uri: "x://1" } });
  board.says(replica(2), { method, params: { uri: "x://1" } });
  expect(board.pushed.get(session)?.filter((message) => message.method === method).length).toBe(1);
  board.ask(session, "resources/unsubscribe", { uri: "x://1" }, 3);
  expect(counts("resources/unsubscribe")).toEqual([0, 1, 0]);
});

test("the same task id at two replicas is two tasks, each of its own client", () => {
  for (const each of replicas) {
    board.startThis(each, { tools: TOOLS }, { capabilities: { tools: {}, tasks: {} } });
  }
  const clients = [board.join(), board.join()];
  for (const [index, session] of clients.entries()) {
    board.ask(session, "tools/call", { name: "write", task: {} }, 1);
    const task = { taskId: "task-1", status: "working" };
    board.reply(replica(index), sentTo(replica(index), "tools/call")[0] ?? {}, { task });
  }
  for (const session of clients) board.ask(session, "tasks/get", { taskId: "task-1" }, 2);
  expect(counts("tasks/get")).toEqual([1, 1, 0]);
});

test("a question reaches the client whose call runs at that replica, whoever calls others", () => {
  for (const each of replicas) start(each);
  const asked = board.join();
  asked.capabilities = { elicitation: {} };
  const box = board.ask(asked, "tools/call", { name: "write" }, 1);
  const other = board.ask(board.join(), "tools/call", { name: "write" }, 1);
  board.says(replica(0), { id: 5, method: "elicitation/create", params: { message: "?" } });
  expect(box.notes.map((note) => note.method)).toEqual(["elicitation/create"]);
  expect(other.notes).toEqual([]);
});

test("lists that differ are a condition, and the first that can speak is believed", () => {
  const session = board.join();
  start(replica(1), [{ name: "second" }]);
  const names = (): unknown => {
    const box = board.ask(session, "tools/list", {}, "list");
    const tools = (box.answer?.result?.["tools"] ?? []) as { name: string }[];
    return tools.map((tool) => tool.name);
  };
  const texts = (): unknown[] =>
    board.effects.flatMap((effect) => (effect.kind === "disagree" ? [effect.text] : []));
  expect(names()).toEqual(["second"]);
  start(replica(0), [{ name: "first" }]);
  expect(names()).toEqual(["first"]);
  expect(texts()).toEqual(["tools of a#2"]);
  board.lose(replica(0), died, true);
  expect(names()).toEqual(["second"]);
  expect(texts().at(-1)).toBeNull();
});

test("when none can be started, whoever waits is told by the last of them", () => {
  const box = board.ask(board.join(), "tools/call", { name: "a__write" }, 1);
  for (const each of replicas) {
    expect(box.answer).toBeNull();
    board.perform(board.switchboard.unavailable(each, died, board.nowMs));
  }
  expect(box.answer?.error?.message).toContain("it was killed");
});

test("when all of them end before they are ready, whoever waits is told, though they try again", () => {
  const box = board.ask(board.join(), "tools/call", { name: "a__write" }, 1);
  for (const each of replicas) {
    expect(box.answer).toBeNull();
    board.perform(board.switchboard.opened(each, board.nowMs));
    board.lose(each, died, true);
  }
  expect(box.answer?.error?.message).toContain("it was killed");
});

test("one that rests is not down: a request that comes meanwhile waits for it", () => {
  [board, replicas] = boardWith(2, { idleStopMs: 1_000 });
  for (const each of replicas) start(each);
  board.nowMs = 2_000;
  board.perform(board.switchboard.rest(board.nowMs));
  const box = board.ask(board.join(), "prompts/get", { name: "say" }, 1);
  for (const each of replicas) board.lose(each, died, false);
  expect(box.answer).toBeNull();
  start(replica(1));
  answerLast(replica(1), "prompts/get");
  expect(box.answer?.result).toEqual({ content: "done" });
});

test("one that is missing is asked to start while there are requests, by time and not by each", () => {
  [board, replicas] = boardWith(2);
  board.nowMs = 10_000;
  for (const each of replicas) start(each);
  board.lose(replica(1), died, false);
  const demands = (): number => board.effects.filter(({ kind }) => kind === "demand").length;
  const before = demands();
  board.pass(LIMITS.wakeMs);
  board.perform(board.switchboard.rest(board.nowMs));
  expect(demands()).toBe(before);
  const session = board.join();
  for (let id = 0; id < 5; id++) {
    board.ask(session, "prompts/get", { name: "say", n: id }, id);
    answerLast(replica(0), "prompts/get");
  }
  expect(demands()).toBe(before);
  board.pass(LIMITS.tickMs);
  expect(demands()).toBe(before + 1);
});

test("one that cannot be started is not tried again before there are requests", () => {
  for (let count = 0; count < LIMITS.breakerFailures; count++) {
    for (const each of replicas) board.lose(each, fault("secret.locked"), false);
  }
  expect(board.upstream("a").group?.breaker(replica(0))).toBe("open");
  const demands = (): number => board.effects.filter(({ kind }) => kind === "demand").length;
  const before = demands();
  board.nowMs += LIMITS.breakerOpenMsMax;
  board.perform(board.switchboard.rest(board.nowMs));
  expect(demands()).toBe(before);
  board.ask(board.join(), "tools/call", { name: "write" });
  expect(demands()).toBeGreaterThan(before);
});

test("replicas rest together, and wake together when one is needed", () => {
  [board, replicas] = boardWith(2, { idleStopMs: 60_000 });
  for (const each of replicas) start(each);
  const session = board.join();
  board.nowMs = 50_000;
  board.ask(session, "prompts/get", { name: "say" }, 1);
  answerLast(replica(0), "prompts/get");
  board.nowMs = 70_000;
  board.perform(board.switchboard.rest(board.nowMs));
  expect(replicas.map((each) => each.phase)).toEqual(["ready", "ready"]);
  for (const each of replicas)
    board.reply(each, sentTo(each, "tools/list").at(-1) ?? {}, { tools: TOOLS });
  board.nowMs = 120_000;
  board.perform(board.switchboard.rest(board.nowMs));
  expect(replicas.map((each) => each.phase)).toEqual(["absent", "absent"]);
  for (const each of replicas) board.lose(each, died, false);
  const before = board.effects.length;
  const box = board.ask(session, "prompts/get", { name: "say" }, 2);
  const demanded = board.effects.slice(before).filter((effect) => effect.kind === "demand");
  expect(demanded.length).toBe(2);
  expect(box.answer).toBeNull();
});

test("a config with another command replaces them once the new ones are there", () => {
  for (const each of replicas) start(each);
  const old = replicas;
  const reach = { kind: "stdio", command: "model", args: [], env: {}, cwd: null } as const;
  const other = { ...reach, command: "other", replicas: 2 };
  board.apply(unitOf("a", { hash: "other", reach: other }));
  board.ask(board.join(), "prompts/get", { name: "say" }, 1);
  expect(counts("prompts/get")).toEqual([1, 0, 0]);
  const successors = board.effects.flatMap((effect) =>
    effect.kind === "demand" && !old.includes(effect.upstream) ? [effect.upstream] : [],
  );
  expect(successors.length).toBe(2);
  const [, second] = successors;
  if (second === undefined) throw new Error("no successor");
  start(second);
  board.ask(board.join(), "prompts/get", { name: "say" }, 1);
  expect(sentTo(second, "prompts/get").length).toBe(1);
  answerLast(replica(0), "prompts/get");
  board.pass(100);
  const ended = board.effects.flatMap((one) => (one.kind === "drained" ? [one.upstream] : []));
  expect(new Set(ended)).toEqual(new Set(old));
});
