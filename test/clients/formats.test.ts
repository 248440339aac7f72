import { describe, expect, test } from "bun:test";

import { editServers, readServers } from "../../src/clients/document.ts";
import type { Shape } from "../../src/clients/shape.ts";
import { isFault } from "../../src/core/fault.ts";

const TOML: Shape = { format: "toml", path: ["mcp_servers"] };
const MAP: Shape = { format: "yaml-map", path: ["extensions"] };
const LIST: Shape = { format: "yaml-list", path: ["mcpServers"] };
const JSON_SHAPE: Shape = { format: "json", path: ["mcpServers"] };
const ENTRY = { command: "mcpd", args: ["bridge", 'a "b" \\c'] };

function edit(
  text: string,
  shape: Shape,
  set: readonly string[],
  remove: readonly string[] = [],
): string {
  const entries = set.map(
    (name) => [name, { ...(shape === LIST ? { name } : {}), ...ENTRY }] as const,
  );
  const result = editServers(text, shape, "the file", { set: entries, remove });
  return isFault(result) ? `FAULT ${result.text}` : result;
}

describe("TOML", () => {
  const texts: readonly (readonly [what: string, text: string])[] = [
    ["without an end of the last line", '[mcp_servers.a]\ncommand = "a"'],
    ["with Windows line ends", '[mcp_servers.a]\r\ncommand = "a"\r\n\r\n[z]\r\nk = 1\r\n'],
    ["with tables written in one line", '[mcp_servers]\na = { command = "a" }\n'],
    ["with dotted keys", 'mcp_servers.a.command = "a"\nother = 1\n'],
    [
      "with tables apart",
      '[mcp_servers.a]\ncommand = "a"\n[other]\nk = 1\n[mcp_servers.a.env]\nK = "v"\n',
    ],
    [
      "with an array of tables",
      '[[profiles]]\nname = "x"\n[mcp_servers.a]\ncommand = "a"\n[[profiles]]\n',
    ],
    [
      "with brackets in texts",
      '[mcp_servers.a]\ncommand = """\n[b]\n"""\nargs = [\n "]", # ]\n \'[x]\' ]\n',
    ],
    ["that is empty", ""],
    ["with comments only", "# nothing yet\n"],
  ];

  test.each(texts)("%s keeps the rest when a table comes and goes", (_what, text) => {
    const added = edit(text, TOML, ["mcpd"]);
    expect(added).toContain("[mcp_servers.mcpd]");
    expect(edit(added, TOML, [], ["mcpd"]).trimEnd()).toBe(text.trimEnd());
  });

  test.each(texts.slice(0, 7))("%s loses one server and nothing else", (_what, text) => {
    const without = edit(text, TOML, [], ["a"]);
    expect(without).not.toContain("FAULT");
    expect(readServers(without, TOML, "f")).toEqual(new Map());
    for (const line of text.split(/\r?\n/).filter((one) => /^(k|other|name|\[z|\[\[)/.test(one))) {
      expect(without).toContain(line);
    }
  });

  test("that cannot be cut is refused and not harmed", () => {
    const text = 'mcp_servers = { a = { command = "a" }, b = { command = "b" } }\n';
    expect(edit(text, TOML, [], ["a"])).toContain("FAULT Cannot edit the file");
    expect(edit(text, TOML, ["mcpd"])).toContain("FAULT Cannot edit the file");
  });
});

describe("YAML", () => {
  const maps: readonly (readonly [what: string, text: string])[] = [
    ["without the key", "other: 1\n"],
    ["with the key and nothing", "extensions:\nother: 1\n"],
    ["with an empty map", "extensions: {} # none\nother: 1\n"],
    ["without an end of the last line", "extensions:\n  a:\n    cmd: a"],
    ["with Windows line ends", "extensions:\r\n  a:\r\n    cmd: a\r\nother: 1\r\n"],
    ["indented by four", "extensions:\n    a:\n        cmd: a # x\n\n# end\n"],
    [
      "with a block of text last",
      "extensions:\n  a:\n    note: |\n      two\n      lines\n\nother: 1\n",
    ],
    ["that is empty", ""],
    ["with comments only", "# nothing yet\n"],
    ["with anchors", "base: &b { k: 1 }\nextensions:\n  a:\n    <<: *b\n    cmd: a\n"],
  ];

  test.each(maps)("%s gets an entry and keeps every other line", (_what, text) => {
    const added = edit(text, MAP, ["mcpd"]);
    const servers = readServers(added, MAP, "f");
    expect(isFault(servers) ? servers.text : servers.get("mcpd")).toEqual(ENTRY);
    for (const line of text.split(/\r?\n/)) expect(added).toContain(line.replace(/ ?\{\} ?/, " "));
    const removed = edit(added, MAP, [], ["mcpd"]);
    expect(removed).not.toContain("FAULT");
    if (text.includes("  a:")) expect(removed.trimEnd()).toBe(text.trimEnd());
  });

  test.each([
    [
      "a list",
      "mcpServers:\n  - name: a\n    command: a\n  - name: b\n    command: b # last\nx: 1\n",
    ],
    [
      "a list that is not indented",
      "mcpServers:\n- name: a\n  command: a\n- name: b\n  command: b\nx: 1\n",
    ],
    [
      "a list of maps in one line",
      "mcpServers:\n  - { name: a, command: a }\n  - { name: b, command: b }\n",
    ],
  ])("%s gets and loses items", (_what, text) => {
    const added = edit(text, LIST, ["mcpd"]);
    expect(edit(added, LIST, [], ["mcpd"])).toBe(text);
    const left = readServers(edit(added, LIST, [], ["a", "b"]), LIST, "f");
    expect(isFault(left) ? left.text : [...left.keys()]).toEqual(["mcpd"]);
    const none = edit(text, LIST, [], ["a", "b"]);
    expect(readServers(none, LIST, "f")).toEqual(new Map());
  });

  test("that cannot be cut is refused and not harmed", () => {
    expect(edit("mcpServers: [{ name: a }]\n", LIST, ["mcpd"])).toContain("FAULT Cannot edit");
    expect(edit("{ extensions: {} }\n", MAP, ["mcpd"])).toContain("FAULT Cannot edit");
    expect(edit("extensions: 5\n", MAP, ["mcpd"])).toContain("is not a list of servers");
    expect(edit("a: 1\n---\nb: 2\n", MAP, ["mcpd"])).toContain("FAULT Cannot read");
  });
});

describe("JSON", () => {
  test.each([
    ["with a byte order mark", '\uFEFF{"mcpServers": {"a": {"command": "a"}}}'],
    ["with comments after the last entry", '{"mcpServers": {\n  "a": {} // a\n  // end\n}}'],
    ["with a trailing comma", '{\n  "mcpServers": {\n    "a": {},\n  },\n}\n'],
    ["with tabs and Windows line ends", '{\r\n\t"mcpServers": {\r\n\t\t"a": {}\r\n\t}\r\n}\r\n'],
  ])("%s gets an entry and loses it without another byte", (_what, text) => {
    const added = edit(text, JSON_SHAPE, ["mcpd"]);
    expect(added).toContain('"mcpd"');
    expect(edit(added, JSON_SHAPE, [], ["mcpd"])).toBe(text);
  });

  test("gets what is missing around the entry", () => {
    for (const text of ["", "\n", "// notes\n", "{}", '{ "other": 1 }']) {
      const servers = readServers(edit(text, JSON_SHAPE, ["mcpd"]), JSON_SHAPE, "f");
      expect(isFault(servers) ? servers.text : [...servers.keys()]).toEqual(["mcpd"]);
    }
  });

  test("that is broken is refused with the place", () => {
    expect(edit('{\n  "mcpServers": {\n    "a" {}\n', JSON_SHAPE, ["mcpd"])).toContain(
      "line 3, column 9",
    );
    expect(edit("[]", JSON_SHAPE, ["mcpd"])).toContain("it is not an object");
    expect(edit('{"mcpServers": 5}', JSON_SHAPE, ["mcpd"])).toContain("is not a list of servers");
  });
});
