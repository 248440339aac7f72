import { describe, expect, test } from "bun:test";

import { META, readEnvelope } from "../../src/core/envelope.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params } from "../../src/core/message.ts";
import type { Session, View } from "../../src/core/session.ts";
import { Board, type Mailbox } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE: View = { kind: "one", upstream: "files" };
const ALL: View = { kind: "all" };
const TASKS = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
const EXTENSION = "io.modelcontextprotocol/tasks";
const RELATED = "io.modelcontextprotocol/related-task";

function legacy(): Board {
  const board = new Board();
  board.apply(unitOf("files"));
  const capabilities = { tools: {}, resources: {}, logging: {}, tasks: TASKS };
  board.start("files", { tools: [{ name: "work" }] }, { capabilities });
  return board;
}

function join(board: Board, view: View = ONE, protocolVersion = "2025-11-25"): Session {
  const session = board.open(view);
  const params = { protocolVersion, capabilities: { elicitation: {} } };
  board.ask(session, "initialize", params, "hello");
  return session;
}

/** Has a tool called as a task, whose id the upstream chooses. */
function begin(board: Board, session: Session, taskId: string): void {
  const box = board.ask(session, "tools/call", { name: "work", task: {} }, `call ${taskId}`);
  const sent = board.last("files", "tools/call");
  expect(sent.params).toMatchObject({ task: {} });
  const task = { taskId, status: "working", ttl: 60_000 };
  board.reply(board.upstream("files"), sent, { task });
  expect(box.answer?.result).toEqual({ task });
}

function faultIn(box: Mailbox): unknown {
  return box.answer?.error?.data?.["fault"];
}

describe("a task of 2025-11-25 on a shared upstream", () => {
  test("is its session's: for another one it does not exist", () => {
    const board = legacy();
    const [ann, bob] = [join(board), join(board)];
    begin(board, ann, "1");
    for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
      const refused = board.ask(bob, method, { taskId: "1" }, method);
      expect(refused.answer?.error?.code).toBe(-32602);
      expect(faultIn(refused)).toBe("task.unknown");
      expect(board.find("files", method)).toBeUndefined();
      board.ask(ann, method, { taskId: "1" }, method);
      expect(board.last("files", method).params).toEqual({ taskId: "1" });
    }
  });

  test("may have changed something by its end: what was read before is not given any more", () => {
    const board = legacy();
    const [ann, bob] = [join(board), join(board)];
    begin(board, ann, "1");
    const uri = "file:///a";
    const reads = (): number => board.count("files", "resources/read");
    board.ask(bob, "resources/read", { uri }, "before");
    board.ask(ann, "tasks/result", { taskId: "1" }, "result");
    board.ask(ann, "resources/read", { uri }, "during");
    expect(reads()).toBe(1);
    board.reply(board.upstream("files"), board.last("files", "tasks/result"), { content: [] });
    board.ask(ann, "resources/read", { uri }, "after");
    expect(reads()).toBe(2);
  });

  test("is listed for its session only, page by page", () => {
    const board = legacy();
    const [ann, bob] = [join(board), join(board)];
    begin(board, ann, "1");
    begin(board, bob, "2");
    const tasks = [{ taskId: "1" }, { taskId: "2" }, { taskId: "of nobody" }];
    const listed = (session: Session): unknown => {
      const box = board.ask(session, "tasks/list", {}, "list");
      const page = { tasks, nextCursor: "more" };
      board.reply(board.upstream("files"), board.last("files", "tasks/list"), page);
      return box.answer?.result;
    };
    expect(listed(ann)).toEqual({ tasks: [{ taskId: "1" }], nextCursor: "more" });
    expect(listed(bob)).toEqual({ tasks: [{ taskId: "2" }], nextCursor: "more" });
  });

  test("tells its state to its session alone", () => {
    const board = legacy();
    const [ann, bob] = [join(board), join(board)];
    begin(board, ann, "1");
    const files = board.upstream("files");
    const params = { taskId: "1", status: "completed" };
    board.says(files, { method: "notifications/tasks/status", params });
    const other = { taskId: "9", status: "completed" };
    board.says(files, { method: "notifications/tasks/status", params: other });
    expect(board.pushed.get(ann)?.map((message) => message.params)).toEqual([params]);
    expect(board.pushed.get(bob)).toBeUndefined();
  });

  test("goes on under the progress token of the call that made it", () => {
    const board = legacy();
    const [ann, bob] = [join(board), join(board)];
    const params = { name: "work", task: {}, _meta: { progressToken: "mine" } };
    board.ask(ann, "tools/call", params);
    const sent = board.last("files", "tools/call");
    const files = board.upstream("files");
    board.reply(files, sent, { task: { taskId: "1", status: "working", ttl: null } });
    // The id is the token as well.
    const progressToken = sent.id;
    const progress = { progressToken, progress: 1 };
    board.says(files, { method: "notifications/progress", params: progress });
    expect(board.pushed.get(ann)?.map((message) => message.params)).toEqual([
      { progressToken: "mine", progress: 1 },
    ]);
    expect(board.pushed.get(bob)).toBeUndefined();
    const done = { taskId: "1", status: "completed" };
    board.says(files, { method: "notifications/tasks/status", params: done });
    board.says(files, { method: "notifications/progress", params: progress });
    expect(board.pushed.get(ann)).toHaveLength(2);
  });

  test("asks its own session, also while a call of another is in flight", () => {
    const board = legacy();
    const [ann, bob] = [join(board), join(board)];
    begin(board, ann, "1");
    const forBob = board.ask(bob, "tools/call", { name: "work" });
    const forAnn = board.ask(ann, "tasks/result", { taskId: "1" });
    const files = board.upstream("files");
    const _meta = { [RELATED]: { taskId: "1" } };
    board.says(files, { id: "q", method: "elicitation/create", params: { message: "?", _meta } });
    expect(forAnn.notes[0]).toMatchObject({ method: "elicitation/create" });
    expect(forBob.notes).toEqual([]);
    board.replies(ann, { id: forAnn.notes[0]?.id ?? 0, result: { action: "accept" } });
    expect(board.sent.get("files")?.at(-1)).toMatchObject({ id: "q", result: {} });
    const unknown = { message: "?", _meta: { [RELATED]: { taskId: "9" } } };
    board.says(files, { id: "r", method: "elicitation/create", params: unknown });
    expect(board.sent.get("files")?.at(-1)).toMatchObject({ id: "r", error: { code: -32601 } });
  });

  test("does not wait for the answer of a session that has left, and is cancelled then", () => {
    const board = legacy();
    const ann = join(board);
    begin(board, ann, "1");
    const files = board.upstream("files");
    const params = { message: "?", _meta: { [RELATED]: { taskId: "1" } } };
    board.says(files, { id: "q", method: "elicitation/create", params });
    expect(board.pushed.get(ann)).toHaveLength(1);
    expect(files.unused).toBe(false);
    board.perform(board.switchboard.close(ann, "left", board.nowMs));
    expect(board.sent.get("files")?.at(-2)).toMatchObject({ id: "q", error: {} });
    expect(board.last("files", "tasks/cancel").params).toEqual({ taskId: "1" });
    board.reply(files, board.last("files", "tasks/cancel"), { taskId: "1", status: "cancelled" });
    expect(files.unused).toBe(true);
  });

  test("logs to its own session, whoever has a call in flight", () => {
    const board = legacy();
    const [ann, bob] = [join(board), join(board)];
    begin(board, ann, "1");
    const forBob = board.ask(bob, "tools/call", { name: "work" });
    const files = board.upstream("files");
    const log = { level: "error", data: "x", _meta: { [RELATED]: { taskId: "1" } } };
    board.says(files, { method: "notifications/message", params: log });
    expect(board.pushed.get(ann)).toHaveLength(1);
    // Without a word of its task it could be of either.
    board.says(files, { method: "notifications/message", params: { level: "error", data: "y" } });
    expect(board.pushed.get(ann)).toHaveLength(1);
    expect(forBob.notes).toEqual([]);
  });

  test("may take as long as it takes, and ends with its upstream", () => {
    const board = legacy();
    const ann = join(board);
    begin(board, ann, "1");
    const box = board.ask(ann, "tasks/result", { taskId: "1" });
    board.pass(3_600_000);
    expect(box.answer).toBeNull();
    board.lose(board.upstream("files"), fault("upstream.failed"), true);
    expect(faultIn(box)).toBe("upstream.lost");
    expect(faultIn(board.ask(ann, "tasks/get", { taskId: "1" }))).toBe("task.unknown");
  });

  test("keeps its upstream from being put down until it is done or its time is over", () => {
    const board = legacy();
    const ann = join(board);
    begin(board, ann, "1");
    begin(board, ann, "2");
    const files = board.upstream("files");
    board.ask(ann, "tasks/get", { taskId: "1" });
    board.reply(files, board.last("files", "tasks/get"), { taskId: "1", status: "failed" });
    expect(files.unused).toBe(false);
    board.perform(board.switchboard.rest(60_000));
    expect(files.unused).toBe(true);
  });

  test("is found in the aggregate by its id, and declared to who can use it", () => {
    const board = legacy();
    const capabilitiesOf = (view: View, protocolVersion: string): unknown => {
      const params = { protocolVersion, capabilities: {} };
      const { answer } = board.ask(board.open(view), "initialize", params);
      return (answer?.result?.["capabilities"] as Params | undefined)?.["tasks"];
    };
    expect(capabilitiesOf(ONE, "2025-11-25")).toEqual(TASKS);
    expect(capabilitiesOf(ALL, "2025-11-25")).toEqual({
      cancel: {},
      requests: { tools: { call: {} } },
    });
    expect(capabilitiesOf(ONE, "2025-06-18")).toBeUndefined();
    expect(capabilitiesOf(ALL, "2025-06-18")).toBeUndefined();
    const ann = join(board, ALL);
    begin(board, ann, "1");
    board.ask(ann, "tasks/get", { taskId: "1" });
    expect(board.last("files", "tasks/get").params).toEqual({ taskId: "1" });
    expect(faultIn(board.ask(join(board, ALL), "tasks/get", { taskId: "1" }))).toBe("task.unknown");
    expect(faultIn(board.ask(ann, "tasks/list", {}, 2))).toBe("method.unknown");
  });
});

describe("a task of the extension", () => {
  function modern(): Board {
    const board = new Board();
    board.apply(unitOf("files", { era: "modern" }));
    const files = board.upstream("files");
    board.perform(board.switchboard.opened(files, board.nowMs));
    board.reply(files, board.last("files", "server/discover"), {
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: {}, extensions: { [EXTENSION]: {} } },
    });
    board.reply(files, board.last("files", "tools/list"), { tools: [{ name: "work" }] });
    return board;
  }

  function request(
    board: Board,
    method: string,
    params: Params,
    { principal = "key", view = ONE }: { principal?: string; view?: View } = {},
  ): { readonly box: Mailbox; readonly session: Session } {
    const capabilities = { extensions: { [EXTENSION]: {} } };
    const meta = { [META.version]: "2026-07-28", [META.capabilities]: capabilities };
    const full = { ...params, _meta: meta };
    const envelope = readEnvelope(full);
    if (isFault(envelope)) throw new Error(envelope.text);
    const id = `modern ${Math.random()}`;
    const session = board.switchboard.open({ id, view, principal, project: null, envelope });
    if (isFault(session)) throw new Error(session.text);
    return { box: board.ask(session, method, full, id), session };
  }

  function beginModern(board: Board, taskId: string): void {
    request(board, "tools/call", { name: "work" });
    const result = { resultType: "task", taskId, status: "working", ttlMs: 60_000 };
    board.reply(board.upstream("files"), board.last("files", "tools/call"), result);
  }

  test("is its principal's; one that nobody is known to have made is the upstream's to judge", () => {
    const board = modern();
    beginModern(board, "t");
    const stranger = { principal: "somebody else" };
    const { box } = request(board, "tasks/get", { taskId: "t" }, stranger);
    expect(faultIn(box)).toBe("task.unknown");
    expect(board.find("files", "tasks/get")).toBeUndefined();
    request(board, "tasks/get", { taskId: "t" });
    request(board, "tasks/get", { taskId: "of an earlier daemon" });
    expect(board.count("files", "tasks/get")).toBe(2);
  });

  test("is found in the aggregate, which declares the extension", () => {
    const board = modern();
    const { box } = request(board, "server/discover", {}, { view: ALL });
    expect(box.answer?.result?.["capabilities"]).toMatchObject({ extensions: { [EXTENSION]: {} } });
    beginModern(board, "t");
    request(board, "tasks/update", { taskId: "t", inputResponses: {} }, { view: ALL });
    expect(board.last("files", "tasks/update").params).toMatchObject({ taskId: "t" });
    const other = request(board, "tasks/get", { taskId: "unheard of" }, { view: ALL });
    expect(faultIn(other.box)).toBe("task.unknown");
  });

  test("is heard of by the subscriptions that name it, and only by its principal's", () => {
    const board = modern();
    beginModern(board, "t");
    const notifications = { taskIds: ["t"] };
    const { box, session } = request(board, "subscriptions/listen", { notifications });
    const other = request(board, "subscriptions/listen", { notifications }, { principal: "x" });
    const deaf = request(board, "subscriptions/listen", {
      notifications: { toolsListChanged: true },
    });
    expect(box.notes[0]?.params?.["notifications"]).toEqual({ taskIds: ["t"] });
    expect(other.box.notes[0]?.params?.["notifications"]).toEqual({ taskIds: [] });
    expect(board.last("files", "subscriptions/listen").params).toMatchObject({
      notifications: { taskIds: ["t"] },
    });
    const task = { taskId: "t", status: "completed" };
    board.says(board.upstream("files"), { method: "notifications/tasks", params: task });
    expect(box.notes[1]).toMatchObject({
      method: "notifications/tasks",
      params: { ...task, _meta: { [META.subscription]: session.id } },
    });
    expect(other.box.notes).toHaveLength(1);
    expect(deaf.box.notes).toHaveLength(1);
    board.perform(board.switchboard.close(session, "left", board.nowMs));
    const { params } = board.last("files", "subscriptions/listen");
    expect(params?.["notifications"]).not.toHaveProperty("taskIds");
  });
});

test("no upstream can fill memory with tasks", () => {
  const board = legacy();
  const ann = join(board);
  const { tasks } = board.upstream("files");
  begin(board, ann, "first");
  for (let id = 0; id < LIMITS.tasksPerUpstream; id += 1) begin(board, ann, String(id));
  expect(tasks.standing(ann, "first")).toBe("unknown");
  expect(tasks.standing(ann, "0")).toBe("own");
});
