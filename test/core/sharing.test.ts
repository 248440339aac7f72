import { describe, expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import type { Unit } from "../../src/core/unit.ts";
import { Board } from "../helpers/board.ts";
import { otherCommand, unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const READ = { name: "read", inputSchema: {} };
const WRITE = { name: "write", inputSchema: {} };

function withTools(unit: Unit, tools: Partial<Unit["settings"]["tools"]>): Unit {
  const policy = { allow: [], deny: [], ...tools };
  return { ...unit, settings: { ...unit.settings, tools: policy } };
}

function methods(board: Board, session: Session): readonly (string | undefined)[] {
  return (board.pushed.get(session) ?? []).map((message) => message.method);
}

describe("the aggregate", () => {
  test("puts the upstream's name in front only where two tools have the same name", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("memory"));
    board.start("files", { tools: [READ, WRITE] });
    board.start("memory", { tools: [READ] });
    const box = board.ask(board.join(), "tools/list");
    const tools = box.answer?.result?.["tools"] as readonly { name: string }[];
    expect(tools.map((tool) => tool.name)).toEqual(["files__read", "write", "memory__read"]);
  });

  test("sends a call to its owner under the owner's name, by short and by long name", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("memory"));
    board.start("files", { tools: [READ] });
    board.start("memory", { tools: [WRITE] });
    const session = board.join();
    board.ask(session, "tools/call", { name: "write", arguments: { a: 1 } }, 1);
    expect(board.last("memory", "tools/call").params).toEqual({
      name: "write",
      arguments: { a: 1 },
    });
    board.ask(session, "tools/call", { name: "memory__write" }, 2);
    expect(board.last("memory", "tools/call").params?.["name"]).toBe("write");
    const box = board.ask(session, "tools/call", { name: "nothing" }, 3);
    expect(box.answer?.error?.data?.["fault"]).toBe("tool.unknown");
  });

  test("names the long names of a tool that is called by a name several have", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("memory"));
    board.start("files", { tools: [READ, WRITE] });
    board.start("memory", { tools: [READ] });
    const { answer } = board.ask(board.join(), "tools/call", { name: "read" });
    expect(answer?.error?.data?.["fault"]).toBe("tool.unknown");
    expect(answer?.error?.message).toContain("use files__read or memory__read");
  });

  test("names the tool or prompt that a mistyped name is nearest to", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("memory"));
    board.start("files", { tools: [READ, WRITE], prompts: [{ name: "summary" }] });
    board.start("memory", { tools: [READ] });
    const session = board.join();
    const said = (method: string, name: string, id: number): string | undefined =>
      board.ask(session, method, { name }, id).answer?.error?.message;
    expect(said("tools/call", "wriet", 1)).toBe(
      `Unknown tool: wriet. Did you mean "write"? List the tools with 'mcpd tools'.`,
    );
    expect(said("tools/call", "file__read", 2)).toContain('Did you mean "files__read"?');
    expect(said("tools/call", "raed", 3)).toContain('Did you mean "read"?');
    expect(said("tools/call", "nothing", 4)).toStartWith("Unknown tool: nothing. List");
    expect(said("prompts/get", "sumary", 5)).toContain('Did you mean "summary"?');
  });

  test("leaves the places of a slow start to calls, however many clients come and ask", () => {
    const board = new Board();
    board.apply(unitOf("slow"));
    const boxes = Array.from({ length: LIMITS.waitingPerUpstream + 1 }, () => {
      return board.ask(board.join(), "tools/list");
    });
    const call = board.ask(board.join(), "tools/call", { name: "slow__write" }, 2);
    expect(call.answer).toBeNull();
    board.start("slow", { tools: [WRITE] });
    expect(boxes.map((box) => box.answer?.result?.["tools"])).toEqual(boxes.map(() => [WRITE]));
    expect(board.last("slow", "tools/call").params?.["name"]).toBe("write");
  });

  test("lets all go on that wait for the lists of an upstream which fails to start", () => {
    const board = new Board();
    board.apply(unitOf("slow"));
    const boxes = [1, 2, 3].map(() => board.ask(board.join(), "tools/list"));
    const problem = fault("upstream.failed", "no", "slow");
    board.perform(board.switchboard.unavailable(board.upstream("slow"), problem, board.nowMs));
    expect(boxes.map((box) => box.answer?.result?.["tools"])).toEqual([[], [], []]);
  });

  test("answers a list without an upstream that is late, and announces it afterwards", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("slow"));
    board.start("files", { tools: [READ] });
    const session = board.join();
    const box = board.ask(session, "tools/list");
    expect(box.answer).toBeNull();
    board.pass(5_000);
    expect(box.answer?.result?.["tools"]).toEqual([READ]);
    board.start("slow", { tools: [WRITE] });
    expect(methods(board, session)).toEqual(["notifications/tools/list_changed"]);
  });

  test("reads a resource at the upstream that lists it or has a template for it", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("notes"));
    board.start("files", { resources: [{ uri: "file:///a", name: "a" }] });
    board.start("notes", { resourceTemplates: [{ uriTemplate: "note://{id}/text", name: "n" }] });
    const session = board.join();
    board.ask(session, "resources/read", { uri: "file:///a" }, 1);
    expect(board.last("files", "resources/read").params).toEqual({ uri: "file:///a" });
    board.ask(session, "resources/read", { uri: "note://7/text" }, 2);
    expect(board.last("notes", "resources/read").params).toEqual({ uri: "note://7/text" });
    const box = board.ask(session, "resources/read", { uri: "file:///b" }, 3);
    expect(box.answer?.error?.code).toBe(-32002);
  });

  test("completes an argument at the owner of the prompt or template, under the owner's name", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("memory"));
    const prompts = [{ name: "greet" }];
    board.start("files", { prompts });
    const resourceTemplates = [{ uriTemplate: "note://{id}", name: "note" }];
    board.start("memory", { prompts, resourceTemplates });
    const session = board.join();
    const argument = { name: "id", value: "a" };
    const context = { arguments: { other: "b" } };
    const completed = (ref: Params, id: number): unknown =>
      board.ask(session, "completion/complete", { ref, argument, context }, id).answer?.error;
    completed({ type: "ref/prompt", name: "memory__greet" }, 1);
    const prompt = { type: "ref/prompt", name: "greet" };
    const sent = { argument, context };
    expect(board.last("memory", "completion/complete").params).toEqual({ ref: prompt, ...sent });
    for (const [index, uri] of ["note://{id}", "note://7"].entries()) {
      const ref = { type: "ref/resource", uri };
      completed(ref, 2 + index);
      expect(board.last("memory", "completion/complete").params).toEqual({ ref, ...sent });
    }
    expect(board.find("files", "completion/complete")).toBeUndefined();
    expect(completed({ type: "ref/prompt", name: "nobody" }, 4)).toMatchObject({ code: -32602 });
    expect(completed({ type: "ref/prompt" }, 5)).toMatchObject({
      message: expect.stringContaining("params.ref.name is missing"),
    });
  });
});

describe("the policy of an upstream", () => {
  test("hides and refuses a denied tool everywhere", () => {
    const board = new Board();
    board.apply(withTools(unitOf("files"), { deny: ["wr*"] }));
    board.start("files", { tools: [READ, WRITE] });
    const all = board.ask(board.join(), "tools/list");
    expect(all.answer?.result?.["tools"]).toEqual([READ]);
    const one = board.join(ONE);
    const list = board.ask(one, "tools/list");
    board.reply(board.upstream("files"), board.last("files", "tools/list"), {
      tools: [READ, WRITE],
      _meta: { kept: true },
    });
    expect(list.answer?.result).toEqual({ tools: [READ], _meta: { kept: true } });
    const call = board.ask(one, "tools/call", { name: "write" });
    expect(call.answer?.error?.data?.["fault"]).toBe("tool.denied");
  });

  test("applies at once when it changes, and only those who see it hear of it", () => {
    const board = new Board();
    board.apply(unitOf("files"), unitOf("memory"));
    const files = board.start("files", { tools: [READ, WRITE] });
    board.start("memory", { tools: [] });
    const sees = board.join(ONE);
    const other = board.join({ kind: "one", upstream: "memory" });
    board.apply(withTools(unitOf("files"), { deny: ["write"] }), unitOf("memory"));
    expect(board.upstream("files")).toBe(files);
    expect(methods(board, sees)).toEqual(["notifications/tools/list_changed"]);
    expect(methods(board, other)).toEqual([]);
  });
});

describe("a changed unit", () => {
  test("is started first, takes over when it is ready, and the old one finishes its calls", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const old = board.start("files", { tools: [READ] });
    const session = board.join(ONE);
    const box = board.ask(session, "tools/call", { name: "read" });
    const sent = board.last("files", "tools/call");
    board.apply(otherCommand(unitOf("files")));
    expect(board.upstream("files")).toBe(old);
    const demand = board.effects.findLast((effect) => effect.kind === "demand");
    const fresh = demand?.kind === "demand" ? demand.upstream : old;
    board.startThis(fresh, { tools: [READ] });
    expect(board.upstream("files")).toBe(fresh);
    board.pass(100);
    expect(board.effects.some((effect) => effect.kind === "drained")).toBe(false);
    board.reply(old, sent, { content: "done" });
    expect(box.answer?.result).toEqual({ content: "done" });
    board.pass(100);
    expect(board.effects).toContainEqual({ kind: "drained", upstream: old });
  });

  test("that leaves the config is ended, and its clients are told what happened", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const old = board.start("files");
    const session = board.join(ONE);
    board.apply();
    board.pass(100);
    expect(board.effects).toContainEqual({ kind: "drained", upstream: old });
    const box = board.ask(session, "tools/list");
    expect(box.answer?.error?.data?.["fault"]).toBe("upstream.unknown");
  });
});

describe("what an upstream says by itself", () => {
  test("an update goes to those who subscribed to the resource or above it, once each", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const files = board.start("files");
    const [ann, bob] = [board.join(ONE), board.join(ONE)];
    for (const uri of ["file:///dir", "file:///dir/a"]) {
      board.ask(ann, "resources/subscribe", { uri }, uri);
      board.reply(files, board.last("files", "resources/subscribe"), {});
    }
    const params = { uri: "file:///dir/a" };
    board.says(files, { method: "notifications/resources/updated", params });
    expect(methods(board, ann)).toEqual(["notifications/resources/updated"]);
    expect(methods(board, bob)).toEqual([]);
  });

  test("a second subscriber costs the upstream nothing, the last one to leave does", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const files = board.start("files");
    const [ann, bob] = [board.join(ONE), board.join(ONE)];
    board.ask(ann, "resources/subscribe", { uri: "file:///a" });
    board.reply(files, board.last("files", "resources/subscribe"), {});
    expect(board.ask(bob, "resources/subscribe", { uri: "file:///a" }).answer?.result).toEqual({});
    expect(board.count("files", "resources/subscribe")).toBe(1);
    board.ask(ann, "resources/unsubscribe", { uri: "file:///a" });
    expect(board.count("files", "resources/unsubscribe")).toBe(0);
    board.perform(board.switchboard.close(bob, "left", board.nowMs));
    expect(board.count("files", "resources/unsubscribe")).toBe(1);
  });

  test("a log message goes to the session at work, else to who asked for logs, to none of several", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const files = board.start("files");
    const [ann, bob] = [board.join(ONE), board.join(ONE)];
    const log = (): void =>
      board.says(files, { method: "notifications/message", params: { level: "info", data: "x" } });
    log();
    expect([methods(board, ann).length, methods(board, bob).length]).toEqual([0, 0]);
    board.ask(bob, "logging/setLevel", { level: "info" });
    board.reply(files, board.last("files", "logging/setLevel"), {});
    log();
    expect([methods(board, ann).length, methods(board, bob).length]).toEqual([0, 1]);
    const box = board.ask(ann, "tools/call", { name: "read" });
    log();
    expect(box.notes.map((note) => note.method)).toEqual(["notifications/message"]);
    board.ask(bob, "tools/call", { name: "read" });
    log();
    expect(box.notes.length).toBe(1);
    expect([methods(board, ann).length, methods(board, bob).length]).toEqual([0, 1]);
  });

  test("the upstream logs at the most verbose level wanted; each session gets its own", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const files = board.start("files");
    const [ann, bob] = [board.join(ONE), board.join(ONE)];
    board.ask(ann, "logging/setLevel", { level: "error" });
    board.ask(bob, "logging/setLevel", { level: "debug" });
    expect(board.last("files", "logging/setLevel").params).toEqual({ level: "debug" });
    const params = { level: "info", data: "x" };
    board.says(files, { method: "notifications/message", params });
    expect([methods(board, ann).length, methods(board, bob).length]).toEqual([0, 1]);
    const box = board.ask(ann, "logging/setLevel", { level: "loud" });
    expect(box.answer?.error?.code).toBe(-32602);
  });

  test("many list_changed cost one load, and the clients hear of it only if it did change", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const files = board.start("files", { tools: [READ] });
    const session = board.join(ONE);
    for (let count = 0; count < 5; count++) {
      board.says(files, { method: "notifications/tools/list_changed" });
    }
    board.pass(100);
    expect(board.count("files", "tools/list")).toBe(2);
    board.reply(files, board.last("files", "tools/list"), { tools: [READ] });
    expect(methods(board, session)).toEqual([]);
    board.says(files, { method: "notifications/tools/list_changed" });
    board.pass(100);
    board.reply(files, board.last("files", "tools/list"), { tools: [] });
    expect(methods(board, session)).toEqual(["notifications/tools/list_changed"]);
  });

  test("lists of several pages are fetched whole, also when the cursor never ends", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const files = board.upstream("files");
    board.perform(board.switchboard.opened(files, 0));
    board.reply(files, board.last("files", "initialize"), {
      protocolVersion: "2025-06-18",
      capabilities: { tools: {} },
      serverInfo: { name: "f", version: "1" },
    });
    for (let page = 0; page < 200; page++) {
      const request = board.last("files", "tools/list");
      const tools = [{ name: `tool-${page}`, inputSchema: {} }];
      board.reply(files, request, { tools, nextCursor: `page ${page + 1}` });
    }
    expect(files.listings.get("tools")?.entries.length).toBe(100);
  });

  test("a ping is answered, a method nobody knows is refused", () => {
    const board = new Board();
    board.apply(unitOf("files"));
    const files = board.start("files");
    board.says(files, { id: "p", method: "ping" });
    expect(board.sent.get("files")?.at(-1)).toMatchObject({ id: "p", result: {} });
    board.says(files, { id: "r", method: "server/party" });
    expect(board.sent.get("files")?.at(-1)).toMatchObject({ id: "r", error: { code: -32601 } });
  });
});
