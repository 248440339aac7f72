import { expect, test } from "bun:test";

import { META, readEnvelope } from "../../src/core/envelope.ts";
import { isFault } from "../../src/core/fault.ts";
import type { Params } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import { Board, type Mailbox } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const CALL = { name: "mail", arguments: {} };
const PAGE = { mode: "url", url: "https://login.example/", message: "Log in" };
const REQUIRED = {
  code: -32042,
  message: "Log in first",
  data: { elicitations: [{ ...PAGE, elicitationId: "e1" }] },
};

function ready(): Board {
  const board = new Board();
  board.apply(unitOf("files"));
  board.start("files", { tools: [{ name: "mail" }] });
  return board;
}

/** A call of a modern client that the upstream refuses with this error. */
function called(
  board: Board,
  capabilities: Params,
  params: Params = CALL,
  error: typeof REQUIRED | { code: number; message: string } = REQUIRED,
): Mailbox {
  const meta = { [META.version]: "2026-07-28", [META.capabilities]: capabilities };
  const full = { ...params, _meta: meta };
  const envelope = readEnvelope(full);
  if (isFault(envelope)) throw new Error(envelope.text);
  const id = `modern ${Math.random()}`;
  const opening = { id, view: ONE, principal: "key", project: null, envelope };
  const box = board.ask(board.switchboard.open(opening) as Session, "tools/call", full);
  if (box.answer === null) {
    const sent = board.last("files", "tools/call");
    board.says(board.upstream("files"), { id: sent.id ?? 0, error });
  }
  return box;
}

test("a legacy server's demand to open an address is input that a modern client has to bring", () => {
  const board = ready();
  const { answer } = called(board, { elicitation: { url: {} } });
  expect(answer?.result).toMatchObject({
    resultType: "input_required",
    inputRequests: { mcpd_url_0: { method: "elicitation/create", params: PAGE } },
  });
  expect(JSON.stringify(answer?.result)).not.toContain("elicitationId");
  const inputResponses = { mcpd_url_0: { action: "accept" } };
  called(board, { elicitation: { url: {} } }, { ...CALL, inputResponses });
  expect(board.count("files", "tools/call")).toBe(2);
  // What the client brings is for mcpd: a legacy server knows no such member.
  expect(board.last("files", "tools/call").params).toEqual(CALL);
});

test("a modern client whose user declines does not ask again, one that cannot is told why", () => {
  const board = ready();
  const inputResponses = { mcpd_url_0: { action: "decline" } };
  const declined = called(board, { elicitation: { url: {} } }, { ...CALL, inputResponses });
  expect(declined.answer?.error?.data?.["fault"]).toBe("question.declined");
  expect(board.count("files", "tools/call")).toBe(0);
  expect(called(board, { elicitation: {} }).answer?.error).toMatchObject({
    code: -32021,
    data: { requiredCapabilities: { elicitation: { url: {} } } },
  });
});

test("the code itself is never sent in the modern era", () => {
  const empty = { code: -32042, message: "Something" };
  const { answer } = called(ready(), { elicitation: { url: {} } }, CALL, empty);
  expect(answer?.error).toMatchObject({ code: -32603, message: "Something" });
});

test("a legacy client gets the error as it is, and it alone hears that the page is done", () => {
  const board = ready();
  const [ann, bob] = [board.open(ONE), board.open(ONE)];
  const capabilities = { elicitation: { url: {} } };
  for (const session of [ann, bob]) {
    board.ask(session, "initialize", { protocolVersion: "2025-11-25", capabilities }, "hello");
  }
  const box = board.ask(ann, "tools/call", CALL);
  const files = board.upstream("files");
  board.says(files, { id: board.last("files", "tools/call").id ?? 0, error: REQUIRED });
  expect(box.answer?.error).toEqual(REQUIRED);
  const asking = board.ask(bob, "tools/call", CALL);
  const params = { ...PAGE, elicitationId: "e2" };
  board.says(files, { id: "q", method: "elicitation/create", params });
  expect(asking.notes[0]?.params).toEqual(params);
  for (const elicitationId of ["e1", "e2", "e3"]) {
    board.says(files, { method: "notifications/elicitation/complete", params: { elicitationId } });
  }
  const heard = (session: Session): unknown =>
    board.pushed.get(session)?.map((message) => message.params);
  expect(heard(ann)).toEqual([{ elicitationId: "e1" }]);
  expect(heard(bob)).toEqual([{ elicitationId: "e2" }]);
});
