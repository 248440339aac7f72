import { expect, test } from "bun:test";

import { isFault } from "../../src/core/fault.ts";
import type { KeptSession } from "../../src/core/kept-session.ts";
import type { Session } from "../../src/core/session.ts";
import { Board } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const URI = "file:///a";

/** A session as a daemon left it that has ended since. */
function keptSession(): KeptSession {
  const board = new Board();
  board.apply(unitOf("files"));
  const files = board.start("files");
  const session = board.join(ONE, "ann");
  board.ask(session, "logging/setLevel", { level: "error" });
  board.ask(session, "resources/subscribe", { uri: URI }, 2);
  board.reply(files, board.last("files", "resources/subscribe"), {});
  expect(board.effects).toContainEqual({ kind: "keep", session });
  const kept = board.switchboard.kept(session);
  if (kept === null) throw new Error("there is nothing to keep");
  // As it comes from the disk.
  return JSON.parse(JSON.stringify(kept)) as KeptSession;
}

function revive(board: Board, kept: KeptSession): Session {
  const revived = board.switchboard.revive("old id", kept, board.nowMs);
  if (isFault(revived)) throw new Error(revived.text);
  board.perform(revived.effects);
  return revived.session;
}

test("a session without a handshake is nothing to keep", () => {
  const board = new Board();
  expect(board.switchboard.kept(board.open())).toBeNull();
});

test("a client of HTTP+SSE that comes back without a word of who it is can go on asking", () => {
  const board = new Board();
  board.apply(unitOf("files"));
  const about = { view: ONE, principal: "key", project: null };
  for (const [door, code] of [["sse", undefined] as const, ["ws", -32002] as const]) {
    const session = board.switchboard.open({ ...about, id: door, door });
    if (isFault(session)) throw new Error(session.text);
    const asked = board.ask(session, "logging/setLevel", { level: "error" });
    expect(asked.answer?.error?.code).toBe(code);
    expect(board.switchboard.kept(session) !== null).toBe(code === undefined);
  }
});

test("a revived session is what it was", () => {
  const board = new Board();
  board.apply(unitOf("files"));
  const session = revive(board, keptSession());
  expect(session).toMatchObject({
    id: "old id",
    view: ONE,
    principal: "key",
    protocolVersion: "2025-06-18",
    client: { name: "ann", version: "1" },
    logLevel: "error",
  });
  expect(board.ask(session, "initialize", {}, "again").answer?.error).toBeDefined();
});

test("its subscription is restored before the first call: what that changes must be heard", () => {
  const board = new Board();
  board.apply(unitOf("files"));
  const session = revive(board, keptSession());
  board.ask(session, "tools/call", { name: "change", arguments: {} });
  const files = board.start("files");
  const sent = (board.sent.get("files") ?? []).map((message) => message.method);
  expect(sent.indexOf("resources/subscribe")).toBeLessThan(sent.indexOf("tools/call"));
  expect(sent).toContain("logging/setLevel");
  board.says(files, { method: "notifications/resources/updated", params: { uri: URI } });
  expect(board.pushed.get(session)?.map(({ method }) => method)).toEqual([
    "notifications/resources/updated",
  ]);
});

test("a session of an upstream that has left the config cannot go on", () => {
  const board = new Board();
  board.apply(unitOf("other"));
  const revived = board.switchboard.revive("old id", keptSession(), board.nowMs);
  expect(revived).toMatchObject({ code: "upstream.unknown" });
});

test("what its stream was to carry is answered as lost, once", () => {
  const board = new Board();
  board.apply(unitOf("files"));
  for (const door of ["ws", "sse"] as const) {
    const session = revive(board, { ...keptSession(), door, owed: [7, "x"] });
    const pushed = board.pushed.get(session) ?? [];
    expect(pushed.map(({ id, error }) => [id, error?.data])).toEqual([
      [7, expect.objectContaining({ fault: "daemon.lost" })],
      ["x", expect.objectContaining({ fault: "daemon.lost" })],
    ]);
    expect(board.switchboard.kept(session)).toMatchObject({ owed: [] });
  }
});
