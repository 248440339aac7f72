import { describe, expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import { replicaNumber } from "../../src/core/replica-units.ts";
import { fileUri } from "../../src/core/roots.ts";
import { bindUnit } from "../../src/core/scope.ts";
import type { Session, View } from "../../src/core/session.ts";
import type { Scope, Unit } from "../../src/core/unit.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { Board, type Mailbox } from "../helpers/board.ts";
import { otherCommand, unitOf } from "../helpers/unit.ts";

const ONE: View = { kind: "one", upstream: "files" };

function scoped(scope: Scope, change: Partial<Unit["settings"]> = {}): Unit {
  const reach = {
    kind: "stdio",
    command: "server",
    args: ["--root={project}"],
    env: { ROOT: { kind: "text", text: "{project}/src" } },
    cwd: null,
  } as const;
  const unit = unitOf("files", { scope, reach });
  return { ...unit, settings: { ...unit.settings, ...change } };
}

function boardWith(unit: Unit): Board {
  const board = new Board();
  board.apply(unit);
  return board;
}

function hello(board: Board, project: string | null, view = ONE): [Session, Mailbox] {
  const session = board.open(view, project);
  const params = { protocolVersion: "2025-06-18", capabilities: { roots: {} } };
  return [session, board.ask(session, "initialize", params)];
}

function demanded(board: Board): readonly Upstream[] {
  return board.effects.flatMap((effect) => (effect.kind === "demand" ? [effect.upstream] : []));
}

describe('an upstream of scope "project"', () => {
  test("runs once for each project, in it and with its path filled in", () => {
    const board = boardWith(scoped("project"));
    hello(board, "/work/a");
    hello(board, "/work/a");
    hello(board, "/work/b");
    const instances = new Set(demanded(board));
    expect([...instances].map((upstream) => upstream.key)).toEqual([
      "files@/work/a",
      "files@/work/b",
    ]);
    const [first] = instances;
    expect(first?.unit.reach).toMatchObject({
      args: ["--root=/work/a"],
      env: { ROOT: { text: "/work/a/src" } },
      cwd: "/work/a",
    });
  });

  test("is no replica because its directory ends like the name of one", () => {
    const board = boardWith(scoped("project"));
    hello(board, "/work/c#3");
    expect(demanded(board).map(replicaNumber)).toEqual([null]);
  });

  test("needs the project's directory only if it works there or is told where it is", () => {
    const root = { kind: "project", root: "/work/a" } as const;
    const { reach } = scoped("project");
    const bound = (change: object): Unit => {
      const unit = { ...scoped("project"), reach: { ...reach, ...change } as Unit["reach"] };
      return bindUnit(unit, root);
    };
    expect(bound({}).project).toBe("/work/a");
    const silent = { args: [], env: {} };
    expect(bound(silent).project).toBe("/work/a");
    expect(bound({ ...silent, cwd: "/opt" })).not.toHaveProperty("project");
    expect(bound({ cwd: "/opt" }).project).toBe("/work/a");
  });

  test("keeps calls, lists and news of one project away from the other", () => {
    const board = boardWith(scoped("project"));
    const [ann] = hello(board, "/work/a");
    const [bob] = hello(board, "/work/b");
    const [a, b] = demanded(board) as [Upstream, Upstream];
    board.startThis(a, { tools: [{ name: "only_a" }] });
    board.startThis(b, { tools: [{ name: "only_b" }] });
    board.says(a, { method: "notifications/tools/list_changed" });
    board.pass(100);
    board.reply(a, board.last("files", "tools/list"), { tools: [] });
    expect(board.pushed.get(ann)?.length).toBe(1);
    expect(board.pushed.get(bob)).toBeUndefined();
    board.ask(bob, "tools/call", { name: "only_b" });
    const sent = board.effects.findLast((effect) => effect.kind === "send");
    expect(sent?.kind === "send" && sent.upstream).toBe(b);
  });

  test("shows each project its own merged list", () => {
    const board = boardWith(scoped("project"));
    const all: View = { kind: "all" };
    const [ann] = hello(board, "/work/a", all);
    const [bob] = hello(board, "/work/b", all);
    const [a, b] = demanded(board) as [Upstream, Upstream];
    board.startThis(a, { tools: [{ name: "only_a" }] });
    board.startThis(b, { tools: [{ name: "only_b" }] });
    expect(board.ask(ann, "tools/list").answer?.result?.["tools"]).toEqual([{ name: "only_a" }]);
    expect(board.ask(bob, "tools/list").answer?.result?.["tools"]).toEqual([{ name: "only_b" }]);
  });

  test("says how to name the project to a client that has none, and spoils no merged list", () => {
    const board = boardWith(scoped("project"));
    const box = board.ask(board.open(ONE), "initialize", { protocolVersion: "2025-06-18" });
    expect(box.answer?.error?.message).toContain("X-Mcpd-Project");
    const session = board.join();
    expect(board.ask(session, "tools/list").answer?.result?.["tools"]).toEqual([]);
  });

  test("gets the project as its only root, from mcpd and no client", () => {
    const board = boardWith(scoped("project"));
    hello(board, "/work/a b");
    const [a] = demanded(board) as [Upstream];
    board.startThis(a);
    expect(board.last("files", "initialize").params?.["capabilities"]).toMatchObject({
      roots: { listChanged: false },
    });
    board.says(a, { id: "r", method: "roots/list" });
    expect(board.sent.get("files")?.at(-1)).toMatchObject({
      id: "r",
      result: { roots: [{ uri: "file:///work/a%20b" }] },
    });
  });

  test("follows the config: a changed command ends the instances, a setting does not", () => {
    const board = boardWith(scoped("project"));
    const [session] = hello(board, "/work/a");
    const [a] = demanded(board) as [Upstream];
    board.startThis(a);
    board.apply(scoped("project", { requestTimeoutMs: 1 }));
    board.pass(100);
    expect(a.unit.settings.requestTimeoutMs).toBe(1);
    expect(a.unit.key).toBe("files@/work/a");
    board.apply(otherCommand(scoped("project")));
    board.pass(100);
    expect(board.effects).toContainEqual({ kind: "drained", upstream: a });
    board.ask(session, "tools/list", undefined, 2);
    expect(demanded(board).at(-1)).not.toBe(a);
  });

  test("keeps what its clients subscribed to when its command changes", () => {
    const board = boardWith(scoped("project"));
    const [session] = hello(board, "/work/a");
    board.startThis(demanded(board).at(-1) as Upstream);
    const uri = "file:///work/a/b";
    board.ask(session, "resources/subscribe", { uri }, 2);
    const asked = board.last("files", "resources/subscribe");
    board.reply(demanded(board).at(-1) as Upstream, asked, {});
    board.apply(otherCommand(scoped("project")));
    const successor = demanded(board).at(-1) as Upstream;
    board.startThis(successor);
    expect(board.count("files", "resources/subscribe")).toBe(2);
    board.says(successor, { method: "notifications/resources/updated", params: { uri } });
    expect(board.pushed.get(session)?.at(-1)?.method).toBe("notifications/resources/updated");
  });

  test("takes the place of one for everybody without running for nobody", () => {
    const board = boardWith(unitOf("files"));
    board.start("files");
    const [session] = hello(board, "/work/a");
    board.ask(session, "resources/subscribe", { uri: "file:///work/a/b" }, 2);
    board.reply(board.upstream("files"), board.last("files", "resources/subscribe"), {});
    board.apply(otherCommand(scoped("project")));
    expect(demanded(board).map(({ key }) => key)).toEqual(["files@/work/a"]);
    board.startThis(demanded(board).at(-1) as Upstream);
    expect(board.count("files", "resources/subscribe")).toBe(2);
    board.apply(unitOf("files"));
    expect(
      demanded(board)
        .map(({ key }) => key)
        .at(-1),
    ).toBe("files");
  });

  test("makes room for a new project by ending the one unused for longest", () => {
    const board = boardWith(scoped("project"));
    for (let index = 0; index <= LIMITS.scopedInstances; index++) {
      const [session] = hello(board, `/work/${index}`);
      const upstream = demanded(board).at(-1) as Upstream;
      board.startThis(upstream);
      if (index === 0) board.ask(session, "tools/call", { name: "busy" }, "busy");
    }
    board.pass(100);
    const drained = board.effects.flatMap((effect) =>
      effect.kind === "drained" ? [effect.upstream.key] : [],
    );
    expect(drained).toEqual(["files@/work/1"]);
  });
});

test("a directory is told as a URI, also of Windows and its shares", () => {
  expect(fileUri("/a b/c")).toBe("file:///a%20b/c");
  expect(fileUri("C:\\a b")).toBe("file:///C:/a%20b");
  expect(fileUri("\\\\server\\share")).toBe("file://server/share");
});

describe("a client that names no project but has roots", () => {
  const capabilities = { roots: {} };

  function hailed(board: Board, view = ONE): [Session, Mailbox] {
    const session = board.open(view);
    const params = { protocolVersion: "2025-06-18", capabilities };
    expect(board.ask(session, "initialize", params).answer?.result).toBeDefined();
    return [session, board.ask(session, "tools/list", undefined, 2)];
  }

  test.each([ONE, { kind: "all" } as const])("is asked once, and served there (%p)", (view) => {
    const board = boardWith(scoped("project"));
    const [session, box] = hailed(board, view);
    expect(box.notes.map((note) => note.method)).toEqual(["roots/list"]);
    const roots = [{ uri: "file:///work/a%20b/" }, { uri: "file:///other" }];
    board.replies(session, { id: box.notes[0]?.id ?? 0, result: { roots } });
    const [instance] = demanded(board) as [Upstream];
    expect(instance.key).toBe("files@/work/a b");
    board.startThis(instance, { tools: [{ name: "here" }] });
    if (view.kind === "one") {
      // mcpd's own request for the list came after the client's.
      const first = board.sent.get("files")?.find((message) => message.method === "tools/list");
      board.reply(instance, first ?? {}, { tools: [{ name: "here" }] });
    }
    expect(box.answer?.result?.["tools"]).toEqual([{ name: "here" }]);
    const again = board.ask(session, "tools/list", undefined, 3);
    expect(again.notes).toEqual([]);
  });

  test.each([
    ["file:///c%3A/a%20b/", "C:\\a b"],
    ["file:///C:/a%20b", "C:\\a b"],
    ["file:///d:/", "D:\\"],
    ["file:///a%5C/", "/a\\"],
  ])("may spell one directory in several ways (%p)", (uri, root) => {
    const board = boardWith(scoped("project"));
    const [session, box] = hailed(board);
    board.replies(session, { id: box.notes[0]?.id ?? 0, result: { roots: [{ uri }] } });
    const [instance] = demanded(board) as [Upstream];
    expect(instance.key).toBe(`files@${root}`);
  });

  test.each([
    { error: { code: -32601, message: "no" } },
    { result: { roots: [] } },
    { result: { roots: [{ uri: "https://elsewhere/" }] } },
    { result: { roots: [{ uri: "file:///%E0%A4%A" }] } },
  ])("is told how to name one when it says nothing useful (%p)", (said) => {
    const board = boardWith(scoped("project"));
    const [session, box] = hailed(board);
    board.replies(session, { id: box.notes[0]?.id ?? 0, ...said });
    expect(box.answer?.error?.data?.["fault"]).toBe("project.missing");
    expect(board.ask(session, "tools/list", undefined, 3).notes).toEqual([]);
  });
});

describe('an upstream of scope "session"', () => {
  test("runs once for each client and ends with it", () => {
    const board = boardWith(scoped("session"));
    const [ann] = hello(board, null);
    hello(board, null);
    const [a, b] = demanded(board) as [Upstream, Upstream];
    expect(a).not.toBe(b);
    board.startThis(a);
    board.perform(board.switchboard.close(ann, "left", board.nowMs));
    board.pass(100);
    expect(board.effects).toContainEqual({ kind: "drained", upstream: a });
    expect(board.effects).not.toContainEqual({ kind: "drained", upstream: b });
  });

  test("may ask its client at any time", () => {
    const board = boardWith(scoped("session"));
    const [ann] = hello(board, null);
    const [a] = demanded(board) as [Upstream];
    board.startThis(a);
    board.says(a, { id: "r", method: "roots/list" });
    expect(board.pushed.get(ann)?.map((message) => message.method)).toEqual(["roots/list"]);
  });
});

describe("an instance nobody uses", () => {
  test("is put down after its time, and a call that comes meanwhile waits for the next", () => {
    const board = boardWith(scoped("user", { idleStopMs: 60_000 }));
    const upstream = board.start("files");
    const session = board.join(ONE);
    board.nowMs = 59_999;
    board.perform(board.switchboard.rest(board.nowMs));
    expect(upstream.phase).toBe("ready");
    board.nowMs = 60_000;
    board.perform(board.switchboard.rest(board.nowMs));
    expect(board.effects.at(-1)).toEqual({ kind: "rest", upstream });
    const box = board.ask(session, "tools/call", { name: "read" });
    expect(box.answer).toBeNull();
    board.perform(
      board.switchboard.lost(
        upstream,
        { kind: "fault", code: "upstream.failed", text: "stopped", subject: "files" },
        false,
        board.nowMs,
      ),
    );
    expect(box.answer).toBeNull();
    expect(board.effects.at(-1)).toEqual({ kind: "demand", upstream });
    board.start("files");
    board.reply(upstream, board.last("files", "tools/call"), { content: "late but right" });
    expect(box.answer?.result).toEqual({ content: "late but right" });
  });

  test("is left alone while something is in flight or subscribed", () => {
    const board = boardWith(scoped("user", { idleStopMs: 1 }));
    const upstream = board.start("files");
    const session = board.join(ONE);
    board.ask(session, "resources/subscribe", { uri: "file:///a" }, 1);
    board.reply(upstream, board.last("files", "resources/subscribe"), {});
    board.nowMs += 1_000;
    board.perform(board.switchboard.rest(board.nowMs));
    expect(upstream.phase).toBe("ready");
  });
});
