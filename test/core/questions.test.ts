import { describe, expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params, RequestId } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import { Board, Mailbox, type Wire } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const CALL = { name: "wizard" };
const ASK = { method: "elicitation/create", params: { message: "Which?", mode: "form" } };
const PATIENT = { ...unitOf("files").settings, requestTimeoutMs: 60_000 };

function ready(): Board {
  const board = new Board();
  board.apply(unitOf("files", { settings: PATIENT }));
  board.start("files", { tools: [{ name: "wizard" }] });
  return board;
}

function join(board: Board, capabilities: Params = { elicitation: {} }): Session {
  const session = board.open(ONE);
  const box = board.ask(session, "initialize", { protocolVersion: "2025-06-18", capabilities });
  expect(box.answer?.result).toBeDefined();
  return session;
}

function asks(board: Board, id: RequestId, question: Wire = ASK): void {
  board.says(board.upstream("files"), { ...question, id });
}

/** The answer an upstream got to its own request. */
function answerTo(board: Board, id: RequestId): Wire | undefined {
  return board.sent.get("files")?.find((message) => message.id === id && !message.method);
}

function reply(board: Board, session: Session, id: RequestId | undefined, result: Params): void {
  board.replies(session, { id: id ?? 0, result });
}

describe("a question of a shared upstream", () => {
  test("goes to the only call in flight, on its stream, and the answer goes back", () => {
    const board = ready();
    const box = board.ask(join(board), "tools/call", CALL);
    asks(board, "q1");
    expect(box.notes[0]).toMatchObject({ method: "elicitation/create", params: ASK.params });
    const session = board.switchboard.sessions[0] as Session;
    reply(board, session, box.notes[0]?.id, { action: "accept" });
    expect(answerTo(board, "q1")).toMatchObject({ result: { action: "accept" } });
  });

  test("has an id that starts where the world says, so that no earlier daemon has used it", () => {
    const board = ready();
    board.questionId = 7_000;
    const box = board.ask(join(board), "tools/call", CALL);
    asks(board, "q1");
    asks(board, "q2");
    expect(box.notes.map(({ id }) => id)).toEqual([7_000, 7_001]);
  });

  test("waits while two sessions are suspects, and goes to the one that is left", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    const forAnn = board.ask(ann, "tools/call", { name: "other" });
    const sentForAnn = board.last("files", "tools/call");
    const forBob = board.ask(bob, "tools/call", CALL);
    asks(board, "q1");
    expect([forAnn.notes, forBob.notes]).toEqual([[], []]);
    board.reply(board.upstream("files"), sentForAnn, {});
    expect(forBob.notes.map((note) => note.method)).toEqual(["elicitation/create"]);
    expect(forAnn.notes).toEqual([]);
  });

  test("is not the fault of a call that came later", () => {
    const board = ready();
    const forAnn = board.ask(join(board), "tools/call", CALL);
    asks(board, "q1");
    board.ask(join(board), "tools/call", { name: "other" });
    expect(forAnn.notes.length).toBe(1);
  });

  test("may still come from a call that was cancelled: it is refused, never misdirected", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    board.ask(ann, "tools/call", CALL, 7);
    const forBob = board.ask(bob, "tools/call", { name: "other" });
    board.tell(ann, "notifications/cancelled", { requestId: 7 });
    asks(board, "q1");
    board.pass(LIMITS.questionHoldMs);
    expect(forBob.notes).toEqual([]);
    expect(answerTo(board, "q1")?.error?.data?.["fault"]).toBe("question.ambiguous");
  });

  test("that is never certain is refused; then calls of that tool run one after the other", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    board.ask(ann, "tools/call", CALL);
    const first = board.last("files", "tools/call");
    board.ask(bob, "tools/call", CALL);
    const second = board.last("files", "tools/call");
    asks(board, "q1");
    board.pass(LIMITS.questionHoldMs);
    expect(answerTo(board, "q1")?.error?.code).toBe(-32603);
    for (const sent of [first, second]) board.reply(board.upstream("files"), sent, {});
    board.ask(ann, "tools/call", CALL, "again");
    const forBob = board.ask(bob, "tools/call", CALL, "again");
    expect(board.count("files", "tools/call")).toBe(3);
    const third = board.last("files", "tools/call");
    asks(board, "q2");
    board.reply(board.upstream("files"), third, {});
    expect(board.count("files", "tools/call")).toBe(4);
    asks(board, "q3");
    expect(forBob.notes.length).toBe(1);
  });

  test("once answered goes on at once, before those that wait behind it", () => {
    const board = ready();
    const [ann, bob, eve] = [join(board), join(board), join(board)];
    const forAnn = board.ask(ann, "tools/call", CALL);
    const first = board.last("files", "tools/call");
    asks(board, "q1");
    board.ask(bob, "tools/call", CALL);
    board.ask(eve, "tools/call", { name: "other" });
    expect(board.count("files", "tools/call")).toBe(1);
    reply(board, ann, forAnn.notes[0]?.id, { action: "accept" });
    expect(answerTo(board, "q1")).toMatchObject({ result: { action: "accept" } });
    // Those that never ask go now, past the next that asks: that one waits until this one is done.
    expect(board.count("files", "tools/call")).toBe(2);
    expect(board.last("files", "tools/call").params?.["name"]).toBe("other");
    board.reply(board.upstream("files"), first, {});
    expect(board.count("files", "tools/call")).toBe(3);
  });

  test("may be the second of a call whose client still thinks about the first", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    const forAnn = board.ask(ann, "tools/call", CALL);
    asks(board, "q1");
    board.pass(LIMITS.questionBurstMs);
    const forBob = board.ask(bob, "tools/call", { name: "other" });
    const sentForBob = board.last("files", "tools/call");
    expect(sentForBob.params?.["name"]).toBe("other");
    asks(board, "q2");
    expect([forAnn.notes.length, forBob.notes.length]).toEqual([1, 0]);
    board.reply(board.upstream("files"), sentForBob, {});
    expect([forAnn.notes.length, forBob.notes.length]).toEqual([2, 0]);
    asks(board, "q3");
    expect(forAnn.notes.length).toBe(3);
  });

  test("of a call that was cancelled while its client thought goes to nobody else", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    board.ask(ann, "tools/call", CALL, 7);
    asks(board, "q1");
    board.tell(ann, "notifications/cancelled", { requestId: 7 });
    board.pass(LIMITS.questionBurstMs);
    const forBob = board.ask(bob, "tools/call", { name: "other" });
    asks(board, "q2");
    board.pass(LIMITS.questionHoldMs);
    expect(forBob.notes).toEqual([]);
    expect(answerTo(board, "q2")?.error).toBeDefined();
  });

  test("that was uncertain does not make a tool take turns that never asks", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    const call = { name: "innocent" };
    const files = board.upstream("files");
    board.ask(ann, "tools/call", CALL);
    const first = board.last("files", "tools/call");
    board.ask(bob, "tools/call", call);
    const second = board.last("files", "tools/call");
    asks(board, "q1");
    board.pass(LIMITS.questionHoldMs);
    for (const sent of [first, second]) board.reply(files, sent, {});
    // One at a time until one has run without a question; then freely.
    for (const session of [ann, bob]) board.ask(session, "tools/call", call, "again");
    expect(board.count("files", "tools/call")).toBe(3);
    board.reply(files, board.last("files", "tools/call"), {});
    for (const session of [ann, bob]) board.ask(session, "tools/call", call, "free");
    expect(board.count("files", "tools/call")).toBe(6);
  });

  test("that its client does not answer ends after a minute when calls of others wait", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    board.ask(ann, "tools/call", CALL);
    const first = board.last("files", "tools/call");
    asks(board, "q1");
    board.pass(LIMITS.questionAloneMs);
    expect(answerTo(board, "q1")).toBeUndefined();
    const forBob = board.ask(bob, "tools/call", CALL);
    board.pass(1_000);
    expect(answerTo(board, "q1")?.error?.message).toContain("others wait");
    expect(ann.asks.size).toBe(0);
    board.reply(board.upstream("files"), first, {});
    asks(board, "q2");
    expect(forBob.notes.length).toBe(1);
  });

  test("is refused when its client has too many already: others can be asked", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    const forAnn = board.ask(ann, "tools/call", CALL);
    const first = board.last("files", "tools/call");
    for (let id = 0; id <= LIMITS.questionsPerSession; id++) asks(board, `q${id}`);
    expect(forAnn.notes.length).toBe(LIMITS.questionsPerSession);
    expect(answerTo(board, `q${LIMITS.questionsPerSession}`)?.error).toBeDefined();
    const forBob = board.ask(bob, "tools/call", CALL);
    board.reply(board.upstream("files"), first, {});
    asks(board, "bob");
    expect(forBob.notes.length).toBe(1);
  });

  test("with nobody to answer it, or by a client that cannot, is refused", () => {
    const board = ready();
    asks(board, "q1");
    expect(answerTo(board, "q1")?.error?.code).toBe(-32601);
    const box = board.ask(join(board, {}), "tools/call", CALL);
    asks(board, "q2");
    expect(answerTo(board, "q2")?.error?.message).toContain("cannot answer elicitation/create");
    asks(board, "q3", { method: "sampling/createMessage", params: {} });
    expect(answerTo(board, "q3")?.error?.code).toBe(-32601);
    expect(box.notes).toEqual([]);
  });

  test("of a URL needs a client that opens URLs", () => {
    const board = ready();
    const url = { method: "elicitation/create", params: { mode: "url", url: "https://a/" } };
    const plain = board.ask(join(board), "tools/call", CALL);
    asks(board, "q1", url);
    expect(plain.notes).toEqual([]);
    const other = ready();
    const able = other.ask(join(other, { elicitation: { url: {} } }), "tools/call", CALL);
    asks(other, "q1", url);
    expect(able.notes.length).toBe(1);
  });

  test("is of the very call where a session is shared, and of what that call can answer", () => {
    const board = ready();
    const shared = join(board, {});
    const able = new Mailbox({ capabilities: { elicitation: {} } });
    const unable = new Mailbox({ capabilities: {} });
    board.ask(shared, "tools/call", CALL, 1, able);
    board.ask(shared, "tools/call", { name: "other" }, 2, unable);
    const sentForUnable = board.last("files", "tools/call");
    asks(board, "q1");
    expect([able.notes, unable.notes]).toEqual([[], []]);
    board.reply(board.upstream("files"), sentForUnable, {});
    expect(able.notes.map(({ method }) => method)).toEqual(["elicitation/create"]);
    const alone = new Mailbox({ capabilities: {} });
    const other = ready();
    other.ask(join(other), "tools/call", CALL, 1, alone);
    asks(other, "q2");
    expect(answerTo(other, "q2")?.error?.message).toContain("cannot answer elicitation/create");
  });

  test("of an instance of one shared session waits until it is certain of which call", () => {
    const board = new Board();
    board.apply(unitOf("files", { scope: "session", settings: PATIENT }));
    const shared = board.open(ONE);
    board.ask(shared, "initialize", { protocolVersion: "2025-06-18", capabilities: {} });
    const own = board.switchboard.instances.find(({ audience }) => audience.kind === "session");
    if (own === undefined) throw new Error("no instance");
    board.startThis(own, { tools: [{ name: "wizard" }] });
    const [ann, bob] = [1, 2].map((id) => {
      const box = new Mailbox({ capabilities: { elicitation: {} } });
      return board.ask(shared, "tools/call", { name: `tool ${id}` }, id, box);
    });
    const sentForBob = board.last("files", "tools/call");
    board.says(own, { ...ASK, id: "q1" });
    expect([ann?.notes, bob?.notes]).toEqual([[], []]);
    board.reply(own, sentForBob, {});
    expect([ann?.notes.length, bob?.notes.length]).toEqual([1, 0]);
  });

  test("gives a person time: the deadline of the call stands still", () => {
    const board = ready();
    const session = join(board);
    const box = board.ask(session, "tools/call", CALL);
    asks(board, "q1");
    board.pass(300_000);
    expect(box.answer).toBeNull();
    reply(board, session, box.notes[0]?.id, { action: "decline" });
    board.pass(60_000);
    expect(box.answer?.error?.data?.["fault"]).toBe("exchange.timed-out");
  });
});

describe("a question that is not wanted any more", () => {
  test("is taken back from the client when its call ends", () => {
    const board = ready();
    const session = join(board);
    board.ask(session, "tools/call", CALL);
    asks(board, "q1");
    board.reply(board.upstream("files"), board.last("files", "tools/call"), {});
    const methods = board.pushed.get(session)?.map((message) => message.method);
    expect(methods).toEqual(["notifications/cancelled"]);
    expect(session.asks.size).toBe(0);
  });

  test("is taken back when the upstream cancels it or dies", () => {
    const board = ready();
    const session = join(board);
    board.ask(session, "tools/call", CALL);
    asks(board, "q1");
    const cancelled = { method: "notifications/cancelled", params: { requestId: "q1" } };
    board.says(board.upstream("files"), cancelled);
    expect(session.asks.size).toBe(0);
    asks(board, "q2");
    board.lose(board.upstream("files"), fault("upstream.failed"), false);
    expect(session.asks.size).toBe(0);
    expect(board.pushed.get(session)?.length).toBe(2);
  });

  test("asked again under the id of one that is open leaves that one alone", () => {
    const board = ready();
    const session = join(board);
    const box = board.ask(session, "tools/call", CALL);
    asks(board, "q1");
    asks(board, "q1");
    expect(board.upstream("files").questions.size).toBe(1);
    board.says(board.upstream("files"), {
      method: "notifications/cancelled",
      params: { requestId: "q1" },
    });
    expect(session.asks.size).toBe(0);
    // The clock of the call runs again.
    board.pass(60_000);
    expect(box.answer?.error?.data?.["fault"]).toBe("exchange.timed-out");
  });

  test("answered twice or late is answered once", () => {
    const board = ready();
    const session = join(board);
    const box = board.ask(session, "tools/call", CALL);
    asks(board, "q1");
    for (const action of ["accept", "decline"]) {
      reply(board, session, box.notes[0]?.id, { action });
    }
    const answers = board.sent.get("files")?.filter((message) => message.id === "q1");
    expect(answers).toEqual([{ jsonrpc: "2.0", id: "q1", result: { action: "accept" } } as never]);
  });

  test("and too many at once are refused, without a leak", () => {
    const board = ready();
    const [ann, bob] = [join(board), join(board)];
    board.ask(ann, "tools/call", CALL);
    board.ask(bob, "tools/call", { name: "other" }, 1, new Mailbox());
    for (let id = 0; id <= LIMITS.questionsPerUpstream; id++) asks(board, `q${id}`);
    expect(answerTo(board, `q${LIMITS.questionsPerUpstream}`)?.error).toBeDefined();
    board.pass(LIMITS.questionHoldMs);
    expect(board.upstream("files").questions.size).toBe(0);
  });
});
