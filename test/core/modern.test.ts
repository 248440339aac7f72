import { describe, expect, test } from "bun:test";

import { hasEnvelope, META, readEnvelope, stripEnvelope } from "../../src/core/envelope.ts";
import { isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params, RequestId } from "../../src/core/message.ts";
import { OPEN_PROFILE } from "../../src/core/profile.ts";
import type { Session, View } from "../../src/core/session.ts";
import { Board, type Mailbox, type Wire } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE: View = { kind: "one", upstream: "files" };
const TOOL = { name: "wizard", inputSchema: {} };
const CALL = { name: "wizard", arguments: { spell: "light" } };
const PATIENT = { ...unitOf("files").settings, requestTimeoutMs: 60_000 };
const SERVER = { [META.server]: { name: "files-server", version: "1" } };

function ready(about: Params = {}): Board {
  const board = new Board();
  board.apply(unitOf("files", { settings: PATIENT }));
  board.start("files", { tools: [TOOL] }, about);
  return board;
}

/** One request of a modern client: its session lasts as long as it. */
function request(
  board: Board,
  method: string,
  params: Params = {},
  options: {
    capabilities?: Params;
    view?: View;
    principal?: string;
    id?: RequestId;
    paramHeaders?: ReadonlyMap<string, string>;
  } = {},
): { box: Mailbox; session: Session } {
  const { capabilities = { elicitation: {} }, view = ONE, principal = "key", id = 1 } = options;
  const meta = { [META.version]: "2026-07-28", [META.capabilities]: capabilities };
  const full = { ...params, _meta: { ...meta, ...(params["_meta"] as Params | undefined) } };
  const envelope = readEnvelope(full);
  if (isFault(envelope)) throw new Error(envelope.text);
  const { paramHeaders } = options;
  const opening = {
    id: `modern ${Math.random()}`,
    view,
    principal,
    project: null,
    envelope: paramHeaders === undefined ? envelope : { ...envelope, paramHeaders },
  };
  const session = board.switchboard.open(opening);
  if (isFault(session)) throw new Error(session.text);
  return { session, box: board.ask(session, method, full, id) };
}

function state({ answer }: Mailbox): string {
  return String(answer?.result?.["requestState"]);
}

function questionsOf({ answer }: Mailbox): readonly [string, Wire][] {
  return Object.entries((answer?.result?.["inputRequests"] as Record<string, Wire>) ?? {});
}

/** Lets the upstream ask, and gives the client what it gets then. */
function asked(board: Board, id: RequestId, params: Params = { message: "Which?" }): void {
  board.says(board.upstream("files"), { id, method: "elicitation/create", params });
  board.pass(LIMITS.questionCollectMs);
}

test("readEnvelope() names what is missing, stripEnvelope() leaves what is not its own", () => {
  expect(readEnvelope({ _meta: { [META.version]: "2026-07-28" } })).toMatchObject({
    code: "envelope.missing",
  });
  expect(hasEnvelope({ _meta: { progressToken: 1 } })).toBe(false);
  const params = {
    a: 1,
    _meta: { [META.version]: "x", [META.logLevel]: "info", traceparent: "t" },
  };
  expect(stripEnvelope(params)).toEqual({ a: 1, _meta: { traceparent: "t" } });
  expect(stripEnvelope({ a: 1, _meta: { [META.version]: "x" } })).toEqual({ a: 1 });
});

describe("a modern client on a legacy upstream", () => {
  test("discovers what the upstream is, without a handshake", () => {
    const { box, session } = request(ready(), "server/discover");
    expect(box.answer?.result).toMatchObject({
      resultType: "complete",
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: { listChanged: true } },
      ttlMs: 0,
      cacheScope: "private",
      _meta: SERVER,
    });
    expect(session.pending.size).toBe(0);
  });

  test("gets results of its era, and its session ends with the answer", () => {
    const board = ready();
    const { box, session } = request(board, "tools/call", CALL);
    const sent = board.last("files", "tools/call");
    expect(sent.params).toEqual(CALL);
    board.reply(board.upstream("files"), sent, { content: [], _meta: { kept: 1 } });
    expect(box.answer?.result).toEqual({
      resultType: "complete",
      content: [],
      _meta: { ...SERVER, kept: 1 },
    });
    expect(board.effects).toContainEqual({ kind: "discard", session });
  });

  test("keeps a long result as the text it is", () => {
    const board = ready();
    const { box } = request(board, "resources/read", { uri: "file:///a" });
    const text = "x".repeat(LIMITS.answerParseLength);
    board.reply(board.upstream("files"), board.last("files", "resources/read"), { text });
    expect(box.answer?.result).toEqual({
      resultType: "complete",
      ttlMs: 0,
      cacheScope: "private",
      text,
    });
  });

  test("is refused the methods that its era has not", () => {
    for (const method of ["initialize", "ping", "logging/setLevel", "resources/subscribe", "x"]) {
      expect(request(ready(), method).box.answer?.error?.code).toBe(-32601);
    }
  });

  test.each([
    ["one upstream", ONE, "caster"],
    ["all of them", { kind: "all" } as const, "files__caster"],
  ])("over HTTP says in its headers what its arguments say: %s", (_of, view, name) => {
    const board = new Board();
    board.apply(unitOf("files"));
    const spell = { type: "string", "x-mcp-header": "Spell" };
    const inputSchema = { type: "object", properties: { spell } };
    board.start("files", { tools: [{ name: "caster", inputSchema }] });
    const call = { name, arguments: { spell: "light" } };
    const right = new Map([["spell", "light"]]);
    const wrong = request(board, "tools/call", call, { view, paramHeaders: new Map() });
    expect(wrong.box.answer?.error?.code).toBe(-32020);
    expect(board.count("files", "tools/call")).toBe(0);
    request(board, "tools/call", call, { view, paramHeaders: right });
    // Without HTTP there are no headers.
    request(board, "tools/call", call, { view });
    expect(board.count("files", "tools/call")).toBe(2);
  });

  test("gets a missing resource as invalid params", () => {
    const board = ready();
    const { box } = request(board, "resources/read", { uri: "file:///no" });
    const { id } = board.last("files", "resources/read");
    const error = { code: -32002, message: "no" };
    board.says(board.upstream("files"), { id: id ?? 0, error });
    expect(box.answer?.error?.code).toBe(-32602);
  });

  test("gets log messages only if it asked for them, and only with its request", () => {
    const board = ready();
    const quiet = request(board, "tools/call", CALL);
    const log = { level: "error", data: "x" };
    board.says(board.upstream("files"), { method: "notifications/message", params: log });
    expect(quiet.box.notes).toEqual([]);
    board.reply(board.upstream("files"), board.last("files", "tools/call"), {});
    const loud = request(board, "tools/call", { ...CALL, _meta: { [META.logLevel]: "debug" } });
    board.says(board.upstream("files"), { method: "notifications/message", params: log });
    expect(loud.box.notes.map((note) => note.params)).toEqual([log]);
  });
});

describe("a question for a modern client", () => {
  test("is the answer to its call, and its answer comes with the next request", () => {
    const board = ready();
    const { box } = request(board, "tools/call", CALL);
    asked(board, "q1", { message: "Which?", _meta: { progressToken: 0 } });
    expect(box.answer?.result).toMatchObject({ resultType: "input_required", _meta: SERVER });
    const [[key, question] = ["", {}]] = questionsOf(box);
    expect(question).toEqual({ method: "elicitation/create", params: { message: "Which?" } });
    const answers = { inputResponses: { [key]: { action: "accept" } }, requestState: state(box) };
    const again = request(board, "tools/call", { ...CALL, ...answers }, { id: 2 });
    expect(board.sent.get("files")?.at(-1)).toMatchObject({
      id: "q1",
      result: { action: "accept" },
    });
    expect(board.count("files", "tools/call")).toBe(1);
    board.reply(board.upstream("files"), board.last("files", "tools/call"), { content: ["done"] });
    expect(again.box.answer).toMatchObject({ id: 2, result: { content: ["done"] } });
  });

  test("finds its call again when that came through call_tool", () => {
    const board = ready();
    const profiles = [{ ...OPEN_PROFILE, mode: "search" as const }];
    board.perform(board.switchboard.setProfiles(profiles, 0));
    const view = { kind: "all" } as const;
    const call = { name: "call_tool", arguments: CALL };
    const { box } = request(board, "tools/call", call, { view });
    asked(board, "q1");
    const [[key] = [""]] = questionsOf(box);
    const answers = { inputResponses: { [key]: { action: "accept" } }, requestState: state(box) };
    const again = request(board, "tools/call", { ...call, ...answers }, { view, id: 2 });
    expect(board.sent.get("files")?.at(-1)).toMatchObject({ id: "q1" });
    board.reply(board.upstream("files"), board.last("files", "tools/call"), { content: ["done"] });
    expect(again.box.answer).toMatchObject({ id: 2, result: { content: ["done"] } });
  });

  test("comes together with others, and what stays open is asked again", () => {
    const board = ready();
    const { box } = request(board, "tools/call", CALL);
    for (const id of ["q1", "q2"]) {
      board.says(board.upstream("files"), { id, method: "elicitation/create", params: {} });
    }
    board.pass(LIMITS.questionCollectMs);
    const [[first] = [""], [second] = [""]] = questionsOf(box);
    expect(questionsOf(box).length).toBe(2);
    const answers = { inputResponses: { [first]: {} }, requestState: state(box) };
    const again = request(board, "tools/call", { ...CALL, ...answers });
    board.pass(LIMITS.questionCollectMs);
    expect(questionsOf(again.box).map(([key]) => key)).toEqual([second]);
    expect(state(again.box)).not.toBe(state(box));
  });

  test("belongs to its principal and its request, once, for a while", () => {
    const board = ready();
    const { box } = request(board, "tools/call", CALL);
    asked(board, "q1");
    const answers = { inputResponses: {}, requestState: state(box) };
    const refused = (params: Params, principal = "key"): unknown =>
      request(board, "tools/call", params, { principal }).box.answer?.error?.data?.["fault"];
    expect(refused({ ...CALL, ...answers }, "somebody else")).toBe("question.state");
    expect(refused({ ...CALL, arguments: { spell: "dark" }, ...answers })).toBe("question.state");
    expect(refused({ ...CALL, ...answers, requestState: "mcpd.forged" })).toBe("question.state");
    expect(refused({ ...CALL, ...answers })).toBeUndefined();
    expect(refused({ ...CALL, ...answers })).toBe("question.state");
  });

  test("is given up when its very client goes on, but not for another's sake", () => {
    for (const [name, given] of [
      ["same", true],
      ["other", false],
    ] as const) {
      const board = ready();
      const by = (client: string): Params => ({ _meta: { [META.client]: { name: client } } });
      const first = request(board, "tools/call", { ...CALL, ...by("same") });
      asked(board, "q1");
      board.pass(LIMITS.questionBurstMs);
      request(board, "tools/call", { name: "another", ...by(name) }, { id: 2 });
      asked(board, "q2");
      board.pass(LIMITS.questionOwnMs);
      const refusal = board.sent.get("files")?.find(({ id, error }) => id === "q1" && error);
      expect(refusal !== undefined).toBe(given);
      expect(first.box.answer?.result).toMatchObject({ resultType: "input_required" });
    }
  });

  test("is given up when the client does not come back", () => {
    const board = ready();
    const { box } = request(board, "tools/call", CALL);
    asked(board, "q1");
    board.pass(LIMITS.parkedMs);
    expect(board.count("files", "notifications/cancelled")).toBe(1);
    const answers = { inputResponses: {}, requestState: state(box) };
    const late = request(board, "tools/call", { ...CALL, ...answers });
    expect(late.box.answer?.error?.data?.["fault"]).toBe("question.state");
    board.pass(LIMITS.ghostMs);
    expect(board.switchboard.busy).toBe(false);
  });

  test("that it has not declared to answer ends the call with what is required", () => {
    const board = ready();
    const { box } = request(board, "tools/call", CALL, { capabilities: {} });
    asked(board, "q1");
    expect(box.answer?.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: {} } },
    });
  });
});

describe("subscriptions/listen", () => {
  const notifications = { toolsListChanged: true, resourceSubscriptions: ["file:///a"] };

  test("acknowledges what it honours and tags what it sends with its own id", () => {
    const board = ready();
    const { box } = request(board, "subscriptions/listen", { notifications }, { id: "sub" });
    const tag = { [META.subscription]: "sub" };
    expect(box.notes[0]).toMatchObject({
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: tag, notifications },
    });
    const files = board.upstream("files");
    board.says(files, { method: "notifications/resources/updated", params: { uri: "file:///a" } });
    board.says(files, { method: "notifications/tools/list_changed" });
    board.says(files, { method: "notifications/prompts/list_changed" });
    board.pass(100);
    for (const kind of ["tools", "prompts"]) {
      const list = board.last("files", `${kind}/list`);
      board.reply(files, list, { [kind]: [{ name: "new" }] });
    }
    expect(box.notes.slice(1).map(({ method, params }) => [method, params?.["_meta"]])).toEqual([
      ["notifications/resources/updated", tag],
      ["notifications/tools/list_changed", tag],
    ]);
    expect(box.answer).toBeNull();
  });

  test("ends with its client: the upstream is told that nobody listens any more", () => {
    const board = ready();
    const { box, session } = request(board, "subscriptions/listen", { notifications });
    expect(board.count("files", "resources/subscribe")).toBe(1);
    board.perform(board.switchboard.close(session, "left", board.nowMs));
    expect(board.count("files", "resources/unsubscribe")).toBe(1);
    expect(box.answer?.result).toMatchObject({ resultType: "complete" });
  });
});
