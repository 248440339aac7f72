import { expect, test } from "bun:test";

import { isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params } from "../../src/core/message.ts";
import { Board, type Mailbox } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const FLOOD = 300;

class Scene extends Board {
  readonly files = (this.apply(unitOf("files")), this.start("files"));
  readonly flooder = this.join(ONE);
  readonly boxes: Mailbox[] = [];

  flood(): void {
    for (let id = 1; id <= FLOOD; id++) {
      const params = { name: "work", arguments: { id } };
      this.boxes.push(this.ask(this.flooder, "tools/call", params, id));
    }
  }

  /** The ids of the calls that the upstream has been sent so far, in order. */
  get arrived(): readonly unknown[] {
    const calls = (this.sent.get("files") ?? []).filter(({ method }) => method === "tools/call");
    return calls.map(({ params }) => (params?.["arguments"] as Params | undefined)?.["id"]);
  }

  /** Answers calls from `from` on, as many as have arrived. */
  answerFrom(from: number): number {
    const calls = (this.sent.get("files") ?? []).filter(({ method }) => method === "tools/call");
    for (const call of calls.slice(from)) this.reply(this.files, call, { content: [] });
    return calls.length;
  }
}

test("a flood of one client leaves room for the call of another", () => {
  const scene = new Scene();
  scene.flood();
  expect(scene.arrived).toHaveLength(LIMITS.callsPerClient);
  const params = { name: "work", arguments: { id: "other" } };
  scene.ask(scene.join(ONE), "tools/call", params, 1);
  expect(scene.arrived.at(-1)).toBe("other");
});

test("what was held back follows in its order, and all of it is answered", () => {
  const scene = new Scene();
  scene.flood();
  for (let done = 0; done < FLOOD;) done = scene.answerFrom(done);
  expect(scene.arrived).toEqual(Array.from({ length: FLOOD }, (_, index) => index + 1));
  expect(scene.boxes.every(({ answer }) => answer?.result !== undefined)).toBe(true);
  expect(scene.files.unused).toBe(true);
});

test("what was held back is cancelled without having been sent", () => {
  const scene = new Scene();
  scene.flood();
  scene.tell(scene.flooder, "notifications/cancelled", { requestId: FLOOD });
  expect(scene.boxes.at(-1)?.answer?.error?.message).toContain("cancelled");
  for (let done = 0; done < FLOOD - 1;) done = scene.answerFrom(done);
  expect(scene.arrived).not.toContain(FLOOD);
  expect(scene.files.unused).toBe(true);
});

test("a client that leaves takes its flood along", () => {
  const scene = new Scene();
  scene.flood();
  scene.perform(scene.switchboard.close(scene.flooder, "left", scene.nowMs));
  scene.pass(LIMITS.ghostMs + 1);
  expect(scene.arrived).toHaveLength(LIMITS.callsPerClient);
  expect(scene.files.unused).toBe(true);
});

test("a flood of calls that take turns leaves room in the line for another's", () => {
  const scene = new Scene();
  const opening = scene.ask(scene.flooder, "tools/call", { name: "work" }, "opening");
  scene.says(scene.files, { id: "q", method: "elicitation/create", params: { message: "?" } });
  scene.reply(scene.files, scene.last("files", "tools/call"), { content: [] });
  expect(opening.answer?.result).toBeDefined();
  scene.flood();
  const other = scene.join(ONE);
  const params = { name: "work", arguments: { id: "other" } };
  scene.ask(other, "tools/call", params, 1);
  // The one before all of them had no id.
  for (let done = 1; done <= LIMITS.callsPerClient; done++) scene.answerFrom(done);
  expect(scene.arrived).toContain("other");
  expect(scene.arrived).toHaveLength(LIMITS.callsPerClient + 2);
});

test("calls that are held, wait for their turn and are cancelled there hold up nobody", () => {
  const scene = new Scene();
  scene.ask(scene.flooder, "tools/call", { name: "work" }, "opening");
  scene.says(scene.files, { id: "q", method: "elicitation/create", params: { message: "?" } });
  scene.reply(scene.files, scene.last("files", "tools/call"), { content: [] });
  scene.flood();
  for (let id = 2; id < FLOOD; id++) {
    scene.tell(scene.flooder, "notifications/cancelled", { requestId: id });
  }
  scene.answerFrom(1);
  scene.answerFrom(2);
  expect(scene.arrived).toEqual([undefined, 1, FLOOD]);
  expect(scene.boxes.every(({ answer }) => answer !== null)).toBe(true);
  expect(scene.files.unused).toBe(true);
});

test("a flood of a modern client, whose every request is a session, is held back as well", () => {
  const scene = new Scene();
  const ask = (name: string, id: number): Mailbox => {
    const version = "2026-07-28";
    const client = { name, version: "1" };
    const envelope = { version, capabilities: {}, client, logLevel: null };
    const about = { id: `${name} ${id}`, view: ONE, principal: "key", project: null, envelope };
    const session = scene.switchboard.open(about);
    if (isFault(session)) throw new Error(session.text);
    return scene.ask(session, "tools/call", { name: "work", arguments: { id: `${name} ${id}` } });
  };
  const boxes = Array.from({ length: FLOOD }, (_, id) => ask("flooder", id));
  expect(scene.arrived).toHaveLength(LIMITS.callsPerClient);
  ask("other", 1);
  expect(scene.arrived.at(-1)).toBe("other 1");
  for (let done = 0; done < FLOOD + 1;) done = scene.answerFrom(done);
  expect(boxes.every(({ answer }) => answer?.result !== undefined)).toBe(true);
  expect(scene.files.unused).toBe(true);
});
