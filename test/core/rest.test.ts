import { expect, test } from "bun:test";

import { META } from "../../src/core/envelope.ts";
import { fault } from "../../src/core/fault.ts";
import type { Unit } from "../../src/core/unit.ts";
import { Board } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

// An instance that nobody used is put down, and nothing of it is left for the next one.

const ended = fault("upstream.failed", "it was stopped", "a");

function resting(era: Unit["era"]): Board {
  const board = new Board();
  const unit = unitOf("a", { era });
  board.apply({ ...unit, settings: { ...unit.settings, idleStopMs: 1_000 } });
  return board;
}

function rest(board: Board): void {
  board.nowMs += 2_000;
  board.perform(board.switchboard.rest(board.nowMs));
  board.lose(board.upstream("a"), ended, false);
}

test("a call that was given up does not hold up the next instance, nor does its question", () => {
  const board = resting("legacy");
  const a = board.start("a", { tools: [{ name: "ask" }] });
  const session = board.join();
  session.capabilities = { elicitation: {} };
  board.ask(session, "tools/call", { name: "ask" }, 1);
  board.ask(board.join(), "tools/call", { name: "ask" }, 1);
  // Of two clients it is not certain whom to ask: the question waits, and both give up.
  board.says(a, { id: 1, method: "elicitation/create", params: { message: "?" } });
  for (const each of board.switchboard.sessions) {
    board.tell(each, "notifications/cancelled", { requestId: 1 });
  }
  rest(board);
  const box = board.ask(session, "tools/call", { name: "ask" }, 2);
  board.startThis(a, { tools: [{ name: "ask" }] });
  expect(board.count("a", "tools/call")).toBe(3);
  board.says(a, { id: 1, method: "elicitation/create", params: { message: "again?" } });
  expect(box.notes.map(({ method }) => method)).toEqual(["elicitation/create"]);
});

test("the next instance of a modern upstream is listened to again", () => {
  const board = resting("modern");
  const a = board.upstream("a");
  const discovered = {
    supportedVersions: ["2026-07-28"],
    capabilities: { tools: {} },
    _meta: { [META.server]: { name: "new", version: "9" } },
  };
  const start = (): void => {
    board.perform(board.switchboard.opened(a, board.nowMs));
    board.reply(a, board.last("a", "server/discover"), discovered);
    board.reply(a, board.last("a", "tools/list"), { tools: [] });
  };
  start();
  expect(board.count("a", "subscriptions/listen")).toBe(1);
  rest(board);
  start();
  expect(board.count("a", "subscriptions/listen")).toBe(2);
});
