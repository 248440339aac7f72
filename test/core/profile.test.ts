import { describe, expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import type { Params } from "../../src/core/message.ts";
import { OPEN_PROFILE, type Profile, shortened } from "../../src/core/profile.ts";
import type { Session } from "../../src/core/session.ts";
import { Board, type Mailbox } from "../helpers/board.ts";
import { unitOf } from "../helpers/unit.ts";

const ALL = { kind: "all" } as const;
const SCHEMA = { type: "object", properties: { path: { type: "string" } } };

const TOOLS: readonly Params[] = [
  {
    name: "read_file",
    description: "Reads a file. All of it, whatever it is.",
    inputSchema: SCHEMA,
  },
  { name: "write_file", description: "Writes a file.", inputSchema: SCHEMA, outputSchema: SCHEMA },
  { name: "list_issues", description: "Lists open tickets.", inputSchema: SCHEMA },
];

/** A board with one upstream and a client for whom the config has a profile. */
class Scene extends Board {
  readonly session: Session;
  #lastId = 10;

  constructor(profile: Partial<Profile>) {
    super();
    const profiles = [{ ...OPEN_PROFILE, glob: "small-*", ...profile }];
    this.perform(this.switchboard.setProfiles(profiles, 0));
    this.apply(unitOf("files"));
    this.start("files", { tools: [...TOOLS] });
    this.session = this.join(ALL, "small-client");
  }

  list(session = this.session): readonly Params[] {
    const box = this.ask(session, "tools/list", {}, this.#lastId++);
    return box.answer?.result?.["tools"] as readonly Params[];
  }

  names(session = this.session): readonly unknown[] {
    return this.list(session).map(({ name }) => name);
  }

  call(name: string, input: Params = {}): Mailbox {
    return this.ask(this.session, "tools/call", { name, arguments: input }, this.#lastId++);
  }
}

function textsOf({ answer }: Mailbox): readonly string[] {
  const content = answer?.result?.["content"] as readonly Params[] | undefined;
  return (content ?? []).map(({ text, uri }) => String(text ?? uri));
}

describe("a tool filter for a client", () => {
  test("hides tools and refuses their calls, by any of their names", () => {
    const scene = new Scene({ tools: { allow: [], deny: ["write_*"] } });
    expect(scene.names()).toEqual(["read_file", "list_issues"]);
    for (const name of ["write_file", "files__write_file"]) {
      expect(scene.call(name).answer?.error?.data?.["fault"]).toBe("tool.denied");
    }
    scene.call("read_file");
    expect(scene.count("files", "tools/call")).toBe(1);
  });

  test("holds for a name that had to be cut, and is no way past it", () => {
    const name = `delete_${"x".repeat(70)}`;
    const scene = new Scene({ tools: { allow: [], deny: ["files__*xxx"] } });
    const unit = unitOf("files");
    scene.apply({ ...unit, settings: { ...unit.settings, prefix: "always" } });
    scene.start("files", { tools: [{ name, inputSchema: SCHEMA }] });
    const shown = scene.names(scene.join(ALL, "another"));
    expect(shown).toEqual([expect.stringMatching(/^files__delete_x+_[0-9a-f]{8}$/)]);
    expect(scene.names()).toEqual([]);
    for (const alias of [String(shown[0]), `files__${name}`]) {
      expect(scene.call(alias).answer?.error?.data?.["fault"]).toBe("tool.denied");
    }
  });

  test("is for clients of that name alone", () => {
    const scene = new Scene({ tools: { allow: ["read_*"], deny: [] } });
    expect(scene.names(scene.join(ALL, "another"))).toHaveLength(3);
    expect(scene.names()).toEqual(["read_file"]);
  });

  test("applies when the config changes, and those who see another list are told", () => {
    const scene = new Scene({});
    const other = scene.join(ALL, "another");
    expect(scene.names()).toHaveLength(3);
    const tools = { allow: ["read_*"], deny: [] };
    const profiles = [{ ...OPEN_PROFILE, glob: "small-*", tools }];
    scene.perform(scene.switchboard.setProfiles(profiles, 0));
    const told = (session: Session): unknown => scene.pushed.get(session)?.map((m) => m.method);
    expect(told(scene.session)).toContain("notifications/tools/list_changed");
    expect(told(other) ?? []).not.toContain("notifications/tools/list_changed");
    expect(scene.names()).toEqual(["read_file"]);
  });
});

describe("descriptions", () => {
  test("are cut at the end of a sentence", () => {
    const scene = new Scene({ descriptionLength: 20 });
    expect(scene.list().map(({ description }) => description)).toEqual([
      "Reads a file.",
      "Writes a file.",
      "Lists open tickets.",
    ]);
  });

  test("or where the room ends", () => {
    expect(shortened("one two three four", 10)).toBe("one two t…");
    expect(shortened("One. Two. Three is long", 12)).toBe("One. Two.");
    expect(shortened("a😀😀😀😀", 5)).toBe("a😀…");
  });
});

describe('mode "search"', () => {
  test("shows a few tools that find, describe and call the others", () => {
    const scene = new Scene({ mode: "search" });
    expect(scene.names()).toEqual(["search_tools", "describe_tool", "call_tool", "call_tools"]);
    const [found] = textsOf(scene.call("search_tools", { query: "reading" }));
    expect(found).toStartWith("read_file: Reads a file.");
    expect(found).not.toContain("list_issues");
    const [described = ""] = textsOf(scene.call("describe_tool", { name: "read_file" }));
    expect(JSON.parse(described)).toEqual(TOOLS[0]);
    const call = scene.call("call_tool", { name: "read_file", arguments: { path: "/a" } });
    const sent = scene.last("files", "tools/call");
    expect(sent.params).toEqual({ name: "read_file", arguments: { path: "/a" } });
    scene.reply(scene.upstream("files"), sent, { content: [{ type: "text", text: "a" }] });
    expect(textsOf(call)).toEqual(["a"]);
  });

  test("calls several tools at once, and tells each result in the order of the calls", () => {
    const scene = new Scene({ mode: "search", tools: { allow: [], deny: ["write_*"] } });
    const calls = ["read_file", "write_file", "list_issues"].map((name) => ({ name }));
    const box = scene.call("call_tools", { calls });
    const sent = (scene.sent.get("files") ?? []).filter(({ method }) => method === "tools/call");
    expect(sent.map(({ params }) => params?.["name"])).toEqual(["read_file", "list_issues"]);
    for (const call of sent.toReversed()) {
      const content = [{ type: "text", text: `result of ${String(call.params?.["name"])}` }];
      scene.reply(scene.upstream("files"), call, { content });
    }
    const texts = textsOf(box);
    expect(texts.filter((_, index) => index % 2 === 0)).toEqual([
      "[1 of 3: read_file, done]",
      "[2 of 3: write_file, failed]",
      "[3 of 3: list_issues, done]",
    ]);
    expect(texts[1]).toBe("result of read_file");
    expect(texts[3]).toContain("switched off");
    expect(box.answer?.result?.["isError"]).toBe(false);
    expect(scene.session.pending.size).toBe(0);
  });

  test("cancels all of several calls, and refuses lists that are none", () => {
    const scene = new Scene({ mode: "search" });
    const calls = [{ name: "read_file" }, { name: "list_issues" }];
    const params = { name: "call_tools", arguments: { calls } };
    const box = scene.ask(scene.session, "tools/call", params, "many");
    scene.tell(scene.session, "notifications/cancelled", { requestId: "many" });
    expect(scene.count("files", "notifications/cancelled")).toBe(2);
    expect(box.answer?.result?.["isError"]).toBe(true);
    expect(scene.session.pending.size).toBe(0);
    const seventeen = Array.from({ length: 17 }, () => ({ name: "read_file" }));
    for (const wrong of [undefined, [], [{}], seventeen]) {
      const refused = scene.call("call_tools", { calls: wrong });
      expect(refused.answer?.result?.["isError"]).toBe(true);
      expect(textsOf(refused)[0]).toStartWith("arguments.calls has to be a list of 1 to 16");
    }
  });

  test("finds nothing that is denied, and says what is wrong in words a model can use", () => {
    const scene = new Scene({ mode: "search", tools: { allow: [], deny: ["write_*"] } });
    expect(textsOf(scene.call("search_tools", { query: "write" }))).toEqual([
      "No tool fits. Try other words.",
    ]);
    expect(scene.call("describe_tool", { name: "write_file" }).answer?.result).toMatchObject({
      isError: true,
    });
    expect(scene.call("call_tool", { name: "write_file" }).answer?.error).toBeDefined();
    expect(scene.call("search_tools").answer?.result?.["isError"]).toBe(true);
    expect(textsOf(scene.call("call_tool"))).toEqual([
      "arguments.name is missing: expected a string",
    ]);
  });

  test("has each name once, whatever an upstream calls its tools", () => {
    const scene = new Scene({ resultLength: 1_000 });
    const tools = ["read_result", "search_tools"].map((name) => ({ name, inputSchema: SCHEMA }));
    scene.start("files", { tools });
    expect(scene.names()).toEqual(["search_tools", "read_result"]);
    scene.call("files__read_result");
    expect(scene.last("files", "tools/call").params?.["name"]).toBe("read_result");
  });

  test("takes a query of any size", () => {
    const scene = new Scene({ mode: "search" });
    const [found] = textsOf(scene.call("search_tools", { query: "file ".repeat(20_000) }));
    expect(found).toContain("read_file");
  });
});

describe("a result that is too long for a client", () => {
  const long = "0123456789".repeat(1_000);

  function called(scene: Scene): readonly string[] {
    const box = scene.call("read_file");
    const content = [{ type: "text", text: long }];
    scene.reply(scene.upstream("files"), scene.last("files", "tools/call"), { content });
    return textsOf(box);
  }

  test("is given as its beginning and a link, and can be read to its end", () => {
    const scene = new Scene({ resultLength: 4_000 });
    expect(scene.names()).toContain("read_result");
    const [preview = "", note = "", uri = ""] = called(scene);
    expect(note).toContain("2000 of 10000");
    let whole = preview;
    while (whole.length < long.length) {
      const [part = ""] = textsOf(scene.call("read_result", { uri, from: whole.length }));
      expect(part.length).toBeGreaterThan(0);
      whole += part;
    }
    expect(whole).toBe(long);
    const read = scene.ask(scene.session, "resources/read", { uri: `${uri}?from=9990` }, "r");
    expect(read.answer?.result?.["contents"]).toMatchObject([{ text: "0123456789" }]);
  });

  test("is nobody else's, and one that is gone is said to be", () => {
    const scene = new Scene({ resultLength: 1_000 });
    const [, , uri = ""] = called(scene);
    const other = scene.switchboard.open({
      id: "o",
      view: ALL,
      principal: "another",
      project: null,
    });
    if ("kind" in other && other.kind === "fault") throw new Error("no session");
    const stranger = other as Session;
    const hello = { protocolVersion: "2025-06-18", clientInfo: { name: "small-x", version: "1" } };
    scene.ask(stranger, "initialize", hello, "hello");
    const box = scene.ask(stranger, "resources/read", { uri }, "r");
    expect(box.answer?.error?.data?.["fault"]).toBe("resource.unknown");
    const [gone] = textsOf(scene.call("read_result", { uri: "mcpd://result/none" }));
    expect(gone).toContain("There is no kept result");
  });

  test("is whole for a client of one upstream, which has nothing to read on with", () => {
    const scene = new Scene({ resultLength: 1_000 });
    const session = scene.join({ kind: "one", upstream: "files" }, "small-client");
    const box = scene.ask(session, "tools/call", { name: "read_file" }, "whole");
    const content = [{ type: "text", text: long }];
    scene.reply(scene.upstream("files"), scene.last("files", "tools/call"), { content });
    expect(textsOf(box)).toEqual([long]);
  });

  test("is never cut within a character, and goes on where it was cut", () => {
    const scene = new Scene({ resultLength: 1_001 });
    const faces = "😀".repeat(2_000);
    const box = scene.call("read_file");
    const content = [{ type: "text", text: faces }];
    scene.reply(scene.upstream("files"), scene.last("files", "tools/call"), { content });
    const [preview = "", , uri = ""] = textsOf(box);
    let whole = preview;
    for (let reads = 0; whole.length < faces.length && reads < 100; reads++) {
      const [part = ""] = textsOf(
        scene.call("read_result", { uri, from: whole.length, length: 99 }),
      );
      expect(part.isWellFormed()).toBe(true);
      whole += part;
    }
    expect(whole).toBe(faces);
  });

  test("is its beginning alone when it is too long to be kept", () => {
    const scene = new Scene({ resultLength: 1_000 });
    const data = "x".repeat(LIMITS.drawerLength + 1);
    const box = scene.call("read_file");
    const picture = { type: "image", data, mimeType: "image/png" };
    const content = [{ type: "text", text: data }, picture];
    scene.reply(scene.upstream("files"), scene.last("files", "tools/call"), { content });
    expect(textsOf(box)).toEqual([
      data.slice(0, 1_000),
      expect.stringContaining("too long to be kept: ask for less"),
      expect.stringContaining("too long to be kept: ask for less"),
    ]);
  });

  test("holds what only its structured form says", () => {
    const scene = new Scene({ resultLength: 1_000 });
    const box = scene.call("read_file");
    const result = {
      content: [{ type: "text", text: "rows:" }],
      structuredContent: { rows: long },
    };
    scene.reply(scene.upstream("files"), scene.last("files", "tools/call"), result);
    const [preview = "", , uri = ""] = textsOf(box);
    expect(preview).toStartWith('rows:\n{"rows":"0123');
    expect(textsOf(scene.call("read_result", { uri, from: 10_000 }))[0]).toEndWith('9"}');
  });

  test("is links to its pictures and files, with type and size, beside its text", () => {
    const scene = new Scene({ resultLength: 1_000 });
    const data = Buffer.alloc(3_001, "x").toString("base64");
    const picture = { type: "image", data, mimeType: "image/png" };
    const file = { type: "resource", resource: { uri: "file:///a", blob: data } };
    const box = scene.call("read_file");
    const content = [{ type: "text", text: "two of them" }, picture, file];
    scene.reply(scene.upstream("files"), scene.last("files", "tools/call"), { content });
    const given = box.answer?.result?.["content"] as readonly { readonly [key: string]: unknown }[];
    expect(given[0]).toEqual({ type: "text", text: "two of them" });
    const links = given.filter(({ type }) => type === "resource_link");
    expect(links).toMatchObject([
      { mimeType: "image/png", size: 3_001 },
      { mimeType: "application/octet-stream", size: 3_001 },
    ]);
    expect(JSON.stringify(given)).not.toContain(data.slice(0, 100));
    const [uri, other] = links.map((link) => link["uri"]);
    const read = scene.ask(scene.session, "resources/read", { uri }, "r");
    const contents = [{ uri, mimeType: "image/png", blob: data }];
    expect(read.answer?.result?.["contents"]).toEqual(contents);
    expect(scene.call("read_result", { uri }).answer?.result?.["content"]).toEqual([picture]);
    const whole = scene.call("read_result", { uri: other }).answer?.result?.["content"];
    expect(whole).toEqual([file]);
  });

  test("has no output schema to break", () => {
    const scene = new Scene({ resultLength: 1_000 });
    expect(scene.list().some((tool) => "outputSchema" in tool)).toBe(false);
  });
});
