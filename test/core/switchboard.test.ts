import { describe, expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { Board, Mailbox } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const TOOL = { name: "read", inputSchema: { type: "object" } };
const LOST = fault("upstream.failed", 'Upstream "files" exited', "files");

function ready(): Board {
  const board = new Board();
  board.apply(unitOf("files"));
  board.start("files", { tools: [TOOL] });
  return board;
}

describe("initialize", () => {
  test("of a single upstream waits for it and answers with its own introduction", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const box = board.ask(board.open(ONE), "initialize", { protocolVersion: "2025-03-26" });
    expect(box.answer).toBeNull();
    expect(board.effects.map((effect) => effect.kind)).toContain("demand");
    board.start("files", {}, { instructions: "read me", capabilities: { tools: {}, tasks: {} } });
    expect(box.answer?.result).toEqual({
      protocolVersion: "2025-03-26",
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: "files-server", version: "1" },
      instructions: "read me",
    });
  });

  test("of the aggregate answers at once and starts every upstream", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("memory"));
    const box = board.ask(board.open(), "initialize", { protocolVersion: "1999-01-01" });
    expect(box.answer?.result?.["protocolVersion"]).toBe("2025-11-25");
    const demanded = board.effects.flatMap((effect) =>
      effect.kind === "demand" ? [effect.upstream.name] : [],
    );
    expect(demanded).toEqual(["files", "memory"]);
  });

  test("says why the upstream cannot start, and the session is forgotten", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const session = board.open(ONE);
    const box = board.ask(session, "initialize", {});
    board.lose(board.upstream("files"), LOST, true);
    expect(box.answer?.error?.message).toContain('Upstream "files" exited');
    expect(board.effects).toContainEqual({ kind: "discard", session });
  });

  test("is refused a second time, and nothing but ping works before it", () => {
    const board = ready();
    const session = board.open(ONE);
    expect(board.ask(session, "tools/list").answer?.error?.code).toBe(-32002);
    expect(board.ask(session, "ping").answer?.result).toEqual({});
    expect(board.ask(session, "initialize", {}).answer?.result).toBeDefined();
    expect(board.ask(session, "initialize", {}).answer?.error?.code).toBe(-32600);
  });

  test("with a server that speaks an unknown revision ends in a refusal", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const box = board.ask(board.open(ONE), "initialize", {});
    board.start("files", {}, { protocolVersion: "2099-01-01" });
    expect(box.answer?.error?.message).toContain('speaks protocol "2099-01-01"');
    expect(board.effects.map((effect) => effect.kind)).toContain("refuse");
  });
});

describe("a call", () => {
  test("keeps each client's own id while the upstream sees fresh ones", () => {
    const board = ready();
    const [ann, bob] = [board.join(ONE), board.join(ONE)];
    const params = { name: "read", arguments: {} };
    const forAnn = board.ask(ann, "tools/call", params, "same");
    const sentForAnn = board.last("files", "tools/call");
    const forBob = board.ask(bob, "tools/call", params, "same");
    const sentForBob = board.last("files", "tools/call");
    expect(sentForAnn.id).not.toBe(sentForBob.id);
    const files = board.upstream("files");
    board.reply(files, sentForBob, { content: "bob" });
    board.reply(files, sentForAnn, { content: "ann" });
    expect(forAnn.answer).toMatchObject({ id: "same", result: { content: "ann" } });
    expect(forBob.answer).toMatchObject({ id: "same", result: { content: "bob" } });
  });

  test("brings progress back under the client's own token and moves the deadline", () => {
    const board = ready();
    const params = { name: "read", _meta: { progressToken: "mine", other: 1 } };
    const box = board.ask(board.join(ONE), "tools/call", params);
    const sent = board.last("files", "tools/call");
    expect(sent.params?.["_meta"]).toEqual({ progressToken: sent.id, other: 1 });
    board.nowMs += 4_000;
    const progress = { progressToken: sent.id, progress: 1, message: "half" };
    board.says(board.upstream("files"), { method: "notifications/progress", params: progress });
    expect(box.notes).toEqual([
      {
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progressToken: "mine", progress: 1, message: "half" },
      } as never,
    ]);
    board.pass(4_000);
    expect(box.answer).toBeNull();
    board.pass(2_000);
    expect(box.answer?.error?.data?.["fault"]).toBe("exchange.timed-out");
  });

  test("that times out is cancelled upstream; one late answer is dropped, a second noted", () => {
    const board = ready();
    const box = board.ask(board.join(ONE), "tools/call", { name: "read" });
    const sent = board.last("files", "tools/call");
    board.pass(5_000);
    expect(box.answer?.error?.code).toBe(-32001);
    expect(board.last("files", "notifications/cancelled").params?.["requestId"]).toBe(sent.id);
    const before = board.effects.length;
    board.reply(board.upstream("files"), sent, {});
    expect(board.effects.length).toBe(before);
    board.reply(board.upstream("files"), sent, {});
    expect(board.effects.at(-1)?.kind).toBe("oddity");
    expect(board.switchboard.busy).toBe(false);
  });

  test("that is cancelled reaches the upstream once and is not answered on a shared stream", () => {
    const board = ready();
    const session = board.join(ONE);
    const box = new Mailbox({ mustAnswer: false });
    board.ask(session, "tools/call", { name: "read" }, 7, box);
    board.tell(session, "notifications/cancelled", { requestId: 7, reason: "enough" });
    board.tell(session, "notifications/cancelled", { requestId: 7 });
    expect(board.count("files", "notifications/cancelled")).toBe(1);
    expect(board.last("files", "notifications/cancelled").params?.["reason"]).toBe("enough");
    expect(box.answer).toBeNull();
  });

  test("cannot be cancelled by another session", () => {
    const board = ready();
    const box = board.ask(board.join(ONE), "tools/call", { name: "read" }, 7);
    board.tell(board.join(ONE), "notifications/cancelled", { requestId: 7 });
    expect(board.count("files", "notifications/cancelled")).toBe(0);
    expect(box.answer).toBeNull();
  });

  test("with an id that is in flight is refused", () => {
    const board = ready();
    const session = board.join(ONE);
    const first = board.ask(session, "tools/call", { name: "read" }, 1);
    const second = board.ask(session, "tools/call", { name: "read" }, 1);
    expect(second.answer?.error?.data?.["fault"]).toBe("message.duplicate-id");
    expect(first.answer).toBeNull();
    expect(board.ask(session, "tools/call", { name: "read" }, "1").answer).toBeNull();
  });

  test("is refused when the session has too many in flight", () => {
    const board = ready();
    const session = board.join(ONE);
    for (let id = 0; id < LIMITS.inFlightPerSession; id++) {
      board.ask(session, "tools/call", { name: "read" }, id);
    }
    const box = board.ask(session, "tools/call", { name: "read" }, "one more");
    expect(box.answer?.error?.data?.["fault"]).toBe("session.busy");
  });
});

describe("an upstream that is lost", () => {
  test("in the middle of a call: the outcome is unknown and the call is never repeated", () => {
    const board = ready();
    const box = board.ask(board.join(ONE), "tools/call", { name: "read" });
    board.lose(board.upstream("files"), LOST, true);
    expect(box.answer?.error?.data?.["fault"]).toBe("upstream.lost");
    board.start("files");
    expect(board.count("files", "tools/call")).toBe(1);
  });

  test("in the middle of a read: it is repeated once, then given up", () => {
    const board = ready();
    const box = board.ask(board.join(ONE), "resources/read", { uri: "file:///a" });
    board.lose(board.upstream("files"), LOST, true);
    expect(box.answer).toBeNull();
    board.start("files");
    expect(board.count("files", "resources/read")).toBe(2);
    board.lose(board.upstream("files"), LOST, true);
    expect(box.answer?.error?.data?.["fault"]).toBe("upstream.lost");
  });

  test("gets its subscriptions and its log level back", () => {
    const board = ready();
    const session = board.join(ONE);
    board.ask(session, "logging/setLevel", { level: "debug" });
    const box = board.ask(session, "resources/subscribe", { uri: "file:///a" });
    board.reply(board.upstream("files"), board.last("files", "resources/subscribe"), {});
    expect(box.answer?.result).toEqual({});
    board.lose(board.upstream("files"), LOST, true);
    board.start("files");
    expect(board.count("files", "resources/subscribe")).toBe(2);
    expect(board.count("files", "logging/setLevel")).toBe(2);
  });

  test("and comes back with another list: only then do its clients hear of it", () => {
    const board = ready();
    const session = board.join(ONE);
    board.lose(board.upstream("files"), LOST, true);
    board.start("files", { tools: [TOOL] });
    expect(board.pushed.get(session)).toBeUndefined();
    board.lose(board.upstream("files"), LOST, true);
    board.start("files", { tools: [] });
    const methods = board.pushed.get(session)?.map((message) => message.method);
    expect(methods).toEqual(["notifications/tools/list_changed"]);
  });
});
