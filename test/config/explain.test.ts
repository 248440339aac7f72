import { describe, expect, test } from "bun:test";

import { explainRows } from "../../src/config/explain.ts";
import { parseConfig, type Parsed } from "../../src/config/parse.ts";
import { isFault } from "../../src/core/fault.ts";

function parsed(text: string): Parsed {
  const result = parseConfig(text, "f");
  if (isFault(result)) throw new Error(result.text);
  return result;
}

describe("explainRows()", () => {
  test("every key has a title, a description, a type and what a change takes", () => {
    const rows = explainRows(null);
    expect(rows.length).toBeGreaterThan(35);
    for (const row of rows) {
      expect(row.title, row.path).not.toBe("");
      expect(row.description, row.path).toEndWith(".");
      expect(row.type, row.path).not.toContain("undefined");
      expect(["live", "replace", "members", "move"]).toContain(row.applies);
      expect(row).toMatchObject({ origin: "default", line: null, value: row.default });
    }
  });

  test("tells the value of the file and its line from the default", () => {
    const file = parsed('{\n  "daemon": {\n    "port": 9000\n  }\n}');
    expect(explainRows(file, "daemon.port")).toMatchObject([
      { path: "daemon.port", value: 9000, default: null, origin: "file", line: 3 },
    ]);
    expect(explainRows(file, "daemon.host")).toMatchObject([
      { value: "127.0.0.1", origin: "default", line: null },
    ]);
  });

  test("lists the upstreams of the file, and one that stands for any", () => {
    const file = parsed(
      '{ "mcpServers": { "_n": 1, "a.b": { "command": "x", "scope": "project" } } }',
    );
    expect(explainRows(file, "mcpServers.a.b.scope")).toMatchObject([{ value: "project" }]);
    expect(explainRows(file, "mcpServers.<name>.scope")).toMatchObject([{ value: "user" }]);
    expect(explainRows(file, "mcpServers.a.b")).toHaveLength(
      explainRows(null, "mcpServers").length,
    );
    expect(explainRows(file, "mcpServers._n")).toEqual([]);
  });

  test("a section gives its keys, an unknown key nothing", () => {
    const paths = explainRows(null, "daemon.log_rotation").map((row) => row.path);
    expect(paths).toEqual(["daemon.log_rotation.max_bytes", "daemon.log_rotation.backup_count"]);
    expect(explainRows(null, "daemon.prot")).toEqual([]);
  });

  test("shows no literal secret", () => {
    const file = parsed(
      '{ "mcpServers": { "a": { "env": { "API_KEY": "abcdefgh", "LOG": "1" } } } }',
    );
    const [row] = explainRows(file, "mcpServers.a.env");
    expect(row?.value).toEqual({ API_KEY: "(hidden)", LOG: "1" });
  });
});
