import { describe, expect, test } from "bun:test";

import { memoryKey, memoryOf } from "../../src/core/memory.ts";
import { Board } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const TOOL = { name: "read", inputSchema: {} };

/** A board that remembers "files" from an earlier run, in which it had these tools. */
function remembering(tools: readonly object[], unit = unitOf("files")): Board {
  const earlier = new Board();
  earlier.apply(unitOf("files"));
  const files = earlier.start("files", { tools: tools as never }, { instructions: "read me" });
  const memory = memoryOf(files);
  if (memory === null) throw new Error("there is nothing to remember");
  const board = new Board();
  board.memories.set("files", memory);
  board.apply(unit);
  return board;
}

function kinds(board: Board): readonly string[] {
  return board.effects.map((effect) => effect.kind);
}

describe("an upstream that is remembered", () => {
  test("is introduced and listed before any process exists", () => {
    const board = remembering([TOOL]);
    const session = board.open(ONE);
    const hello = board.ask(session, "initialize", { protocolVersion: "2025-06-18" });
    expect(hello.answer?.result).toMatchObject({
      serverInfo: { name: "files-server", version: "1" },
      instructions: "read me",
    });
    expect(board.ask(session, "tools/list").answer?.result).toEqual({ tools: [TOOL] });
    const all = board.join();
    expect(board.ask(all, "tools/list").answer?.result).toEqual({ tools: [TOOL] });
    expect(kinds(board)).not.toContain("demand");
  });

  test("shows only what the config allows now", () => {
    const { settings } = unitOf("files");
    const tools = { allow: [], deny: ["read"] };
    const board = remembering([TOOL], unitOf("files", { settings: { ...settings, tools } }));
    const session = board.join(ONE);
    expect(board.ask(session, "tools/list").answer?.result).toEqual({ tools: [] });
  });

  test("starts with the first real call, in the era it is known to have", () => {
    const board = remembering([TOOL], unitOf("files", { era: "auto" }));
    const box = board.ask(board.join(ONE), "tools/call", { name: "read" });
    expect(kinds(board)).toContain("demand");
    const files = board.start("files", { tools: [TOOL] });
    expect(board.count("files", "server/discover")).toBe(0);
    board.reply(files, board.last("files", "tools/call"), { content: [] });
    expect(box.answer?.result).toEqual({ content: [] });
  });

  test("tells its clients when what comes differs, and only then", () => {
    for (const tools of [[TOOL], [TOOL, { name: "write", inputSchema: {} }]]) {
      const board = remembering([TOOL]);
      const session = board.join(ONE);
      board.ask(session, "tools/call", { name: "read" });
      board.start("files", { tools });
      const methods = (board.pushed.get(session) ?? []).map((message) => message.method);
      expect(methods).toEqual(tools.length === 1 ? [] : ["notifications/tools/list_changed"]);
      expect(kinds(board)).toContain("remember");
    }
  });
});

test("memoryKey() differs with command and project, not with the session", () => {
  const unit = unitOf("files");
  expect(memoryKey({ ...unit, hash: "other" })).not.toBe(memoryKey(unit));
  expect(memoryKey({ ...unit, key: "files@/a" })).not.toBe(memoryKey({ ...unit, key: "files@/b" }));
  const session = { ...unit, scope: "session" } as const;
  expect(memoryKey({ ...session, key: "a" })).toBe(memoryKey({ ...session, key: "b" }));
});
