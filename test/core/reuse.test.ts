import { describe, expect, test } from "bun:test";

import { parseJson } from "../../src/core/json.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params } from "../../src/core/message.ts";
import type { CallRecord } from "../../src/core/record.ts";
import type { Session } from "../../src/core/session.ts";
import type { Unit } from "../../src/core/unit.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { Board, type Mailbox } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ONE = { kind: "one", upstream: "files" } as const;
const URI = "file:///a";

/** A board with one upstream that keeps results of find_* for a minute. */
class Scene extends Board {
  readonly files: Upstream;
  #lastId = 10;

  constructor(reuse: Partial<Unit["settings"]["reuse"]> = {}) {
    super();
    const unit = unitOf("files");
    const tools = [{ glob: "find_*", ttlMs: 60_000 }];
    const kept = { tools, resourcesMs: 0, forgottenBy: ["write"], ...reuse };
    this.apply({ ...unit, settings: { ...unit.settings, reuse: kept } });
    this.files = this.start("files");
  }

  call(session: Session, name: string, input: Params = {}, more: Params = {}): Mailbox {
    const params = { name, arguments: input, ...more };
    return this.ask(session, "tools/call", params, this.#lastId++);
  }

  read(session: Session): Mailbox {
    return this.ask(session, "resources/read", { uri: URI }, this.#lastId++);
  }

  /** The upstream answers what it was asked last. */
  answers(method: string, text: string, more: Params = {}): void {
    this.reply(this.files, this.last("files", method), {
      content: [{ type: "text", text }],
      ...more,
    });
  }

  get reuses(): readonly CallRecord["reuse"][] {
    return this.effects.flatMap((effect) =>
      effect.kind === "record" ? [effect.record.reuse] : [],
    );
  }
}

function textOf({ answer }: Mailbox): unknown {
  const content = answer?.result?.["content"] as readonly Params[] | undefined;
  return content?.[0]?.["text"];
}

describe("a tool whose results are kept", () => {
  test("is asked once for equal arguments, in any order, by any client", () => {
    const scene = new Scene();
    const [ann, bob] = [scene.join(ONE), scene.join(ONE)];
    scene.call(ann, "find_file", { name: "a", in: "b" });
    scene.answers("tools/call", "found");
    expect(textOf(scene.call(bob, "find_file", { in: "b", name: "a" }))).toBe("found");
    expect(scene.count("files", "tools/call")).toBe(1);
    expect(scene.shelf.ttlMs).toBe(60_000);
    expect(scene.reuses).toEqual(["miss", "hit"]);
  });

  test("is asked again for others, and for what the config does not name", () => {
    const scene = new Scene();
    const ann = scene.join(ONE);
    scene.call(ann, "find_file", { name: "a" });
    scene.answers("tools/call", "found");
    scene.call(ann, "find_file", { name: "b" });
    scene.call(ann, "list", {});
    scene.answers("tools/call", "listed");
    scene.call(ann, "list", {});
    expect(scene.count("files", "tools/call")).toBe(4);
  });

  test("is asked for each project and principal", () => {
    const scene = new Scene();
    const here = scene.open(ONE, "/here");
    const there = scene.open(ONE, "/there");
    for (const session of [here, there]) {
      scene.ask(session, "initialize", { protocolVersion: "2025-06-18" }, "hello");
      scene.call(session, "find_file");
      scene.answers("tools/call", String(session.project));
    }
    expect(scene.count("files", "tools/call")).toBe(2);
    expect(textOf(scene.call(here, "find_file"))).toBe("/here");
  });

  test("does not keep a failure", () => {
    const scene = new Scene();
    const ann = scene.join(ONE);
    scene.call(ann, "find_file");
    scene.answers("tools/call", "broken", { isError: true });
    scene.call(ann, "find_file");
    expect(scene.count("files", "tools/call")).toBe(2);
  });

  test("forgets with a call that changes something, also what was on its way", () => {
    const scene = new Scene();
    const ann = scene.join(ONE);
    scene.call(ann, "find_file");
    const early = scene.last("files", "tools/call");
    scene.call(ann, "write");
    scene.answers("tools/call", "written");
    scene.reply(scene.files, early, { content: [{ type: "text", text: "old" }] });
    expect(textOf(scene.call(ann, "find_file"))).toBeUndefined();
    scene.answers("tools/call", "new");
    expect(textOf(scene.call(ann, "find_file"))).toBe("new");
  });

  test("keeps nothing while something changes, and forgets when what was given up is done", () => {
    const scene = new Scene();
    const ann = scene.join(ONE);
    const box = scene.ask(ann, "tools/call", { name: "write" }, "write");
    const write = scene.last("files", "tools/call");
    scene.call(ann, "find_file");
    scene.answers("tools/call", "old");
    expect(scene.shelf.kept.size).toBe(0);
    scene.tell(ann, "notifications/cancelled", { requestId: "write" });
    expect(box.answer?.error?.message).toContain("cancelled");
    scene.call(ann, "find_file");
    scene.answers("tools/call", "still old");
    expect(scene.shelf.kept.size).toBe(1);
    scene.reply(scene.files, write, {});
    expect(scene.shelf.kept.size).toBe(0);
  });

  test("forgets when the upstream says that something has changed", () => {
    const scene = new Scene();
    const ann = scene.join(ONE);
    for (const method of ["resources/updated", "tools/list_changed"]) {
      scene.call(ann, "find_file");
      scene.answers("tools/call", "found");
      scene.says(scene.files, { method: `notifications/${method}`, params: { uri: URI } });
    }
    scene.call(ann, "find_file");
    expect(scene.count("files", "tools/call")).toBe(3);
  });

  test("tells numbers apart that a double does not, and from objects that look like them", () => {
    const scene = new Scene();
    const ann = scene.join(ONE);
    const inputs = [
      "12345678901234567890",
      "12345678901234567891",
      '{"rawJSON":"12345678901234567890"}',
      "null",
      "1e1000",
      '"1"',
      "1",
    ];
    for (const [index, text] of inputs.entries()) {
      scene.call(ann, "find_file", parseJson(`{"id":${text}}`) as Params);
      expect(scene.count("files", "tools/call")).toBe(index + 1);
      scene.answers("tools/call", text);
    }
    // What the upstream is sent is the same number.
    expect(textOf(scene.call(ann, "find_file", parseJson('{"id":1.0}') as Params))).toBe("1");
    scene.call(ann, "find_file", parseJson('{"id":12345678901234567890}') as Params);
    expect(scene.count("files", "tools/call")).toBe(inputs.length);
  });

  test("is asked when progress is wanted, or the arguments are endless", () => {
    const scene = new Scene();
    const ann = scene.join(ONE);
    const long = { name: "x".repeat(LIMITS.reuseKeyLength) };
    for (let count = 0; count < 2; count++) {
      scene.call(ann, "find_file", {}, { _meta: { progressToken: count } });
      scene.answers("tools/call", "found");
      scene.call(ann, "find_file", long);
      scene.answers("tools/call", "found");
    }
    expect(scene.count("files", "tools/call")).toBe(4);
  });
});

describe("equal reads at the same time", () => {
  test("are one at the upstream, and each client has the answer", () => {
    const scene = new Scene();
    const [ann, bob, cy] = [scene.join(ONE), scene.join(ONE), scene.join(ONE)];
    const boxes = [ann, bob, cy].map((session) => scene.read(session));
    expect(scene.count("files", "resources/read")).toBe(1);
    scene.answers("resources/read", "once");
    expect(boxes.map(textOf)).toEqual(["once", "once", "once"]);
    expect(scene.reuses).toEqual(["miss", "shared", "shared"]);
    scene.read(ann);
    expect(scene.count("files", "resources/read")).toBe(2);
  });

  test("go on when the one that was first gives up or leaves", () => {
    const scene = new Scene();
    const [ann, bob, cy] = [scene.join(ONE), scene.join(ONE), scene.join(ONE)];
    scene.read(ann);
    const [second, third] = [scene.read(bob), scene.read(cy)];
    scene.perform(scene.switchboard.close(ann, "left", scene.nowMs));
    expect(scene.count("files", "resources/read")).toBe(2);
    scene.answers("resources/read", "late");
    expect([textOf(second), textOf(third)]).toEqual(["late", "late"]);
  });

  test("fail together when the upstream fails", () => {
    const scene = new Scene();
    const [ann, bob] = [scene.join(ONE), scene.join(ONE)];
    const boxes = [scene.read(ann), scene.read(bob)];
    const { id = 0 } = scene.last("files", "resources/read");
    scene.says(scene.files, { id, error: { code: -32002, message: "gone" } });
    expect(boxes.map(({ answer }) => answer?.error?.message)).toEqual(["gone", "gone"]);
  });

  test("that come after a call has ended are not answered with what was read before", () => {
    const scene = new Scene();
    const [ann, bob] = [scene.join(ONE), scene.join(ONE)];
    const early = scene.read(ann);
    const first = scene.last("files", "resources/read");
    scene.call(bob, "change");
    const during = scene.read(bob);
    expect(scene.count("files", "resources/read")).toBe(1);
    scene.answers("tools/call", "changed");
    const late = scene.read(bob);
    expect(scene.count("files", "resources/read")).toBe(2);
    scene.answers("resources/read", "new");
    scene.reply(scene.files, first, { content: [{ type: "text", text: "old" }] });
    expect([early, during, late].map(textOf)).toEqual(["old", "old", "new"]);
  });

  test("do not share a demand to open an address: its id is of one client", () => {
    const scene = new Scene();
    const boxes = [scene.join(ONE), scene.join(ONE)].map((session) => scene.read(session));
    for (const elicitationId of ["first", "second"]) {
      const { id = 0 } = scene.last("files", "resources/read");
      const data = { elicitations: [{ mode: "url", elicitationId, url: "https://a.example" }] };
      scene.says(scene.files, { id, error: { code: -32042, message: "open it", data } });
    }
    expect(JSON.stringify(boxes.map(({ answer }) => answer?.error?.data))).toMatch(/first.*second/);
  });

  test("do not wait behind the flood of another client", () => {
    const scene = new Scene();
    const [ann, bob] = [scene.join(ONE), scene.join(ONE)];
    for (let count = 0; count < 2 * LIMITS.callsPerClient; count++) scene.call(ann, "list");
    scene.read(ann);
    expect(scene.count("files", "resources/read")).toBe(0);
    const box = scene.read(bob);
    scene.answers("resources/read", "at once");
    expect(textOf(box)).toBe("at once");
  });

  test("are two for clients of which the upstream hears different things", () => {
    const scene = new Scene();
    const [ann, bob] = [scene.join(ONE), scene.join(ONE)];
    bob.capabilities = { elicitation: {} };
    scene.read(ann);
    scene.read(bob);
    expect(scene.count("files", "resources/read")).toBe(2);
  });

  test("do not bring back one that was cancelled", () => {
    const scene = new Scene();
    const [ann, bob] = [scene.join(ONE), scene.join(ONE)];
    scene.read(ann);
    const box = scene.ask(bob, "resources/read", { uri: URI }, "mine");
    scene.tell(bob, "notifications/cancelled", { requestId: "mine" });
    scene.answers("resources/read", "read");
    expect(box.answer?.error?.message).toContain("cancelled");
  });

  test("are kept as long as the config says", () => {
    const scene = new Scene({ resourcesMs: 5_000 });
    const ann = scene.join(ONE);
    scene.read(ann);
    scene.answers("resources/read", "read");
    expect(scene.shelf.ttlMs).toBe(5_000);
    expect(textOf(scene.read(ann))).toBe("read");
  });
});
