import { describe, expect, test } from "bun:test";

import { META, readEnvelope } from "../../src/core/envelope.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import type { Unit } from "../../src/core/unit.ts";
import { Board, Mailbox } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const DISCOVERY = {
  resultType: "complete",
  supportedVersions: ["2026-07-28"],
  capabilities: { tools: {}, resources: { subscribe: true } },
  instructions: "be kind",
  _meta: { [META.server]: { name: "new", version: "9" } },
};
const CALL = { name: "wizard", arguments: { a: 1 } };

function boardWith(era: Unit["era"] = "auto"): Board {
  const board = new Board();
  board.apply(unitOf("files", { era }));
  board.perform(board.switchboard.opened(board.upstream("files"), board.nowMs));
  return board;
}

/** A board whose upstream has turned out to be modern. */
function modern(): Board {
  const board = boardWith();
  const files = board.upstream("files");
  board.reply(files, board.last("files", "server/discover"), DISCOVERY);
  for (const [method, key] of [
    ["tools/list", "tools"],
    ["resources/list", "resources"],
    ["resources/templates/list", "resourceTemplates"],
  ] as const) {
    board.reply(files, board.last("files", method), { [key]: [] });
  }
  return board;
}

function join(board: Board, capabilities: Params = { elicitation: {} }): Session {
  const session = board.open(ONE);
  const clientInfo = { name: "old", version: "1" };
  board.ask(session, "initialize", { protocolVersion: "2025-06-18", capabilities, clientInfo });
  return session;
}

function firstQuestion(box: Mailbox): { readonly id: number; readonly params: Params } {
  const note = box.notes[0];
  return { id: Number(note?.id), params: note?.params ?? {} };
}

describe("the era of an upstream", () => {
  test("is modern when it answers discovery: no handshake follows", () => {
    const board = modern();
    expect(board.upstream("files").era).toBe("modern");
    expect(board.count("files", "initialize")).toBe(0);
    expect(board.count("files", "notifications/initialized")).toBe(0);
  });

  test("is legacy when it refuses discovery, or says nothing for a while", () => {
    for (const refuse of [true, false]) {
      const board = boardWith();
      const { id } = board.last("files", "server/discover");
      const error = { code: -32601, message: "Method not found" };
      if (refuse) board.says(board.upstream("files"), { id: id ?? 0, error });
      else board.pass(LIMITS.probeMs);
      expect(board.count("files", "initialize")).toBe(1);
    }
  });

  test("is legacy when it dies of the question, and nobody who waits is told", () => {
    const board = boardWith();
    const box = board.ask(board.open(ONE), "initialize", {});
    const files = board.upstream("files");
    board.lose(files, fault("upstream.failed"), true);
    board.perform(board.switchboard.opened(files, board.nowMs));
    expect(box.answer).toBeNull();
    expect(board.count("files", "server/discover")).toBe(1);
    expect(board.count("files", "initialize")).toBe(1);
  });

  test("stays open when a remote one is away or wants a login first", () => {
    const board = new Board();
    const reach = {
      kind: "remote",
      wire: "http",
      url: "https://x.example/mcp",
      headers: {},
    } as const;
    board.apply(unitOf("files", { era: "auto", reach }));
    const files = board.upstream("files");
    for (const probes of [1, 2]) {
      board.perform(board.switchboard.opened(files, board.nowMs));
      expect(board.count("files", "server/discover")).toBe(probes);
      board.lose(files, fault("upstream.failed"), true);
    }
    expect(board.count("files", "initialize")).toBe(0);
  });

  test("is not asked for again by the next instance, nor at all when the config says it", () => {
    const board = modern();
    board.lose(board.upstream("files"), fault("upstream.failed"), true);
    board.perform(board.switchboard.opened(board.upstream("files"), board.nowMs));
    board.pass(LIMITS.probeMs);
    expect(board.count("files", "initialize")).toBe(0);
    expect(boardWith("legacy").count("files", "server/discover")).toBe(0);
    const pinned = boardWith("modern");
    const { id } = pinned.last("files", "server/discover");
    pinned.says(pinned.upstream("files"), { id: id ?? 0, error: { code: -1, message: "no" } });
    expect(pinned.upstream("files").phase).toBe("ready");
  });
});

describe("a legacy client on a modern upstream", () => {
  test("shakes hands with mcpd and gets results as it knows them", () => {
    const board = modern();
    const session = board.open(ONE);
    const hello = board.ask(session, "initialize", { protocolVersion: "2025-06-18" });
    expect(hello.answer?.result).toMatchObject({
      protocolVersion: "2025-06-18",
      serverInfo: { name: "new", version: "9" },
      instructions: "be kind",
    });
    const box = board.ask(session, "tools/call", CALL, 5);
    const result = { resultType: "complete", content: [], ttlMs: 5, cacheScope: "public" };
    board.reply(board.upstream("files"), board.last("files", "tools/call"), result);
    expect(box.answer).toMatchObject({ id: 5, result: { content: [] } });
    expect(Object.keys(box.answer?.result ?? {})).toEqual(["content"]);
  });

  test("is introduced with each request, not with those of others", () => {
    const board = modern();
    const session = join(board, { sampling: {} });
    board.ask(session, "logging/setLevel", { level: "debug" }, 1);
    board.ask(session, "tools/call", { ...CALL, _meta: { progressToken: "mine" } }, 2);
    const sent = board.last("files", "tools/call");
    expect(sent.params?.["_meta"]).toEqual({
      progressToken: sent.id,
      [META.version]: "2026-07-28",
      [META.capabilities]: { sampling: {} },
      [META.client]: { name: "old", version: "1" },
      [META.logLevel]: "debug",
    });
    expect(board.count("files", "logging/setLevel")).toBe(0);
  });

  test("says for each call of a shared session what can be answered there", () => {
    const board = modern();
    const box = new Mailbox({ capabilities: { elicitation: { form: {} } } });
    board.ask(join(board, {}), "tools/call", CALL, 1, box);
    const { params } = board.last("files", "tools/call");
    expect(params?.["_meta"]).toMatchObject({ [META.capabilities]: { elicitation: { form: {} } } });
  });

  test("is not asked what it cannot answer: its call ends with the reason", () => {
    const board = modern();
    const session = join(board, {});
    const box = board.ask(session, "tools/call", CALL);
    board.reply(board.upstream("files"), board.last("files", "tools/call"), {
      resultType: "input_required",
      inputRequests: { who: { method: "elicitation/create", params: { message: "Who?" } } },
    });
    expect(box.notes).toEqual([]);
    expect(box.answer?.error?.message).toContain('"old" cannot answer elicitation/create');
    expect([session.asks.size, session.pending.size]).toEqual([0, 0]);
  });

  test("is asked what the upstream wants to know, on the stream of its call", () => {
    const board = modern();
    const session = join(board);
    const box = board.ask(session, "tools/call", CALL);
    const files = board.upstream("files");
    board.reply(files, board.last("files", "tools/call"), {
      resultType: "input_required",
      inputRequests: { who: { method: "elicitation/create", params: { message: "Who?" } } },
      requestState: "opaque",
    });
    const { id, params } = firstQuestion(box);
    expect(params).toEqual({ message: "Who?" });
    board.replies(session, { id, result: { action: "accept", content: { name: "Ann" } } });
    const again = board.last("files", "tools/call");
    expect(again.params).toMatchObject({
      ...CALL,
      inputResponses: { who: { action: "accept", content: { name: "Ann" } } },
      requestState: "opaque",
    });
    board.reply(files, again, { resultType: "complete", content: ["Hello, Ann"] });
    expect(box.answer?.result).toEqual({ content: ["Hello, Ann"] });
  });

  test("may decline, cancel or be asked too often: the call ends once", () => {
    const board = modern();
    const session = join(board);
    const files = board.upstream("files");
    const more = {
      resultType: "input_required",
      inputRequests: { who: { method: "elicitation/create", params: {} } },
    };
    const refused = board.ask(session, "tools/call", CALL, 1);
    board.reply(files, board.last("files", "tools/call"), more);
    const error = { code: -1, message: "no" };
    board.replies(session, { id: firstQuestion(refused).id, error });
    expect(refused.answer?.error).toEqual(error);
    const cancelled = board.ask(session, "tools/call", CALL, 2);
    board.reply(files, board.last("files", "tools/call"), more);
    board.tell(session, "notifications/cancelled", { requestId: 2 });
    expect(cancelled.answer?.error?.data?.["fault"]).toBe("exchange.cancelled");
    expect(session.asks.size).toBe(0);
    const endless = board.ask(session, "tools/call", CALL, 3);
    for (let round = 0; round < LIMITS.inputRounds; round++) {
      board.reply(files, board.last("files", "tools/call"), more);
      board.replies(session, { id: Number(endless.notes.at(-1)?.id), result: {} });
    }
    board.reply(files, board.last("files", "tools/call"), more);
    expect(endless.answer).not.toBeNull();
    expect(session.pending.size).toBe(0);
  });

  test("that never answers does not hold its call for ever, and is asked nothing but questions", () => {
    const board = modern();
    const session = join(board);
    const files = board.upstream("files");
    const ask = (id: number, method: string): Mailbox => {
      const box = board.ask(session, "tools/call", CALL, id);
      const inputRequests = { who: { method, params: {} } };
      const demand = { resultType: "input_required", inputRequests };
      board.reply(files, board.last("files", "tools/call"), demand);
      return box;
    };
    const silent = ask(1, "elicitation/create");
    expect(board.switchboard.busy).toBe(true);
    board.pass(LIMITS.parkedMs);
    expect(silent.answer?.error?.message).toContain("The client has not answered");
    const wrong = ask(2, "tools/call");
    expect(wrong.notes).toEqual([]);
    expect(wrong.answer?.error?.data?.["fault"]).toBe("question.nobody");
    expect([session.asks.size, session.pending.size]).toEqual([0, 0]);
    expect(board.switchboard.busy).toBe(false);
  });

  test("hears of what it subscribed to, through one subscription for all", () => {
    const board = modern();
    const [ann, bob] = [join(board), join(board)];
    const uris = (): unknown =>
      (board.last("files", "subscriptions/listen").params?.["notifications"] as Params)?.[
        "resourceSubscriptions"
      ];
    expect(uris()).toEqual([]);
    board.ask(ann, "resources/subscribe", { uri: "file:///a" });
    board.ask(bob, "resources/subscribe", { uri: "file:///a" });
    expect(uris()).toEqual(["file:///a"]);
    expect(board.count("files", "subscriptions/listen")).toBe(2);
    const params = { uri: "file:///a", _meta: { [META.subscription]: 9, kept: 1 } };
    board.says(board.upstream("files"), { method: "notifications/resources/updated", params });
    const told = board.pushed.get(ann)?.at(-1);
    expect(told?.params).toEqual({ uri: "file:///a", _meta: { kept: 1 } });
    board.ask(ann, "resources/unsubscribe", { uri: "file:///a" });
    board.perform(board.switchboard.close(bob, "left", board.nowMs));
    expect(uris()).toEqual([]);
    expect(board.switchboard.busy).toBe(false);
  });
});

describe("the tasks extension", () => {
  const EXTENSION = { extensions: { "io.modelcontextprotocol/tasks": {} } };

  function ask(board: Board, capabilities: Params): Mailbox {
    const meta = { [META.version]: "2026-07-28", [META.capabilities]: capabilities };
    const params = { taskId: "t1", _meta: meta };
    const envelope = readEnvelope(params);
    if (isFault(envelope)) throw new Error(envelope.text);
    const opening = { id: "m", view: ONE, principal: "key", project: null, envelope };
    const session = board.switchboard.open(opening);
    if (isFault(session)) throw new Error(session.text);
    return board.ask(session, "tasks/get", params);
  }

  test("passes untouched between those who speak it, for clients that have declared it", () => {
    const board = modern();
    const box = ask(board, EXTENSION);
    const result = { resultType: "complete", taskId: "t1", status: "working" };
    board.reply(board.upstream("files"), board.last("files", "tasks/get"), result);
    expect(box.answer?.result).toEqual(result);
    expect(ask(board, {}).answer?.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: EXTENSION },
    });
  });
});

describe("what a modern server says about the life of its results", () => {
  const META_OF_CLIENT = { [META.version]: "2026-07-28", [META.capabilities]: { elicitation: {} } };

  /** One read of a modern client. */
  function read(board: Board, id: string): Mailbox {
    const params = { uri: "file:///a", _meta: META_OF_CLIENT };
    const envelope = readEnvelope(params);
    if (isFault(envelope)) throw new Error(envelope.text);
    const about = { id, view: ONE, principal: "key", project: null, envelope };
    const session = board.switchboard.open(about);
    if (isFault(session)) throw new Error(session.text);
    return board.ask(session, "resources/read", params);
  }

  function answered(board: Board, more: Params): void {
    const result = { resultType: "complete", contents: [{ uri: "file:///a", text: "a" }], ...more };
    board.reply(board.upstream("files"), board.last("files", "resources/read"), result);
  }

  test("is believed up to a day, and what has passed of it is over", () => {
    const board = modern();
    read(board, "one");
    answered(board, { ttlMs: 1e15 });
    expect(board.shelf.ttlMs).toBe(LIMITS.reuseSaidMs);
    board.shelf.kept.clear();
    read(board, "two");
    answered(board, { ttlMs: 60_000, cacheScope: "private" });
    board.shelf.ageMs = 45_000;
    expect(read(board, "three").answer?.result?.["ttlMs"]).toBe(15_000);
    expect(board.count("files", "resources/read")).toBe(2);
  });

  test("is not told to a legacy client, also while the server is away", () => {
    const board = modern();
    const session = join(board);
    read(board, "one");
    answered(board, { ttlMs: 60_000, cacheScope: "private" });
    board.lose(board.upstream("files"), fault("upstream.failed", "gone", "files"), false);
    const box = board.ask(session, "resources/read", { uri: "file:///a" }, "r");
    expect(box.answer?.result).toEqual({ contents: [{ uri: "file:///a", text: "a" }] });
  });

  test("is of whole results: a demand for input is each client's own", () => {
    const board = modern();
    const boxes = [read(board, "one"), read(board, "two")];
    for (const requestState of ["first", "second"]) {
      answered(board, { resultType: "input_required", inputRequests: {}, requestState });
    }
    expect(boxes.map(({ answer }) => answer?.result?.["requestState"])).toEqual([
      "first",
      "second",
    ]);
    expect(board.shelf.kept.size).toBe(0);
  });
});
