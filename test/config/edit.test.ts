import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { type Edit, editText } from "../../src/config/edit.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { isFault } from "../../src/core/fault.ts";

function edited(text: string, ...edits: readonly Edit[]): string {
  const result = editText(text, edits);
  if (isFault(result)) throw new Error(result.text);
  return result;
}

function valueOf(text: string): unknown {
  const parsed = parseConfig(text, "f");
  if (isFault(parsed)) throw new Error(`${parsed.text}\n${text}`);
  return parsed.value;
}

const FILE = `{
  // head
  "daemon": { "port": 9000 }, // about daemon
  "mcpServers": {
    // above a
    "a": { "command": "x" }, // beside a
    "b": { "command": "y" } // beside b
    // end note
  } // beside mcpServers
}
`;

describe("editText()", () => {
  test("puts a new entry last and leaves every comment where it was", () => {
    const value = { command: "z", args: ["-y", "p"], env: {} };
    expect(edited(FILE, { kind: "set", path: ["mcpServers", "c"], value })).toBe(`{
  // head
  "daemon": { "port": 9000 }, // about daemon
  "mcpServers": {
    // above a
    "a": { "command": "x" }, // beside a
    "b": { "command": "y" }, // beside b
    "c": {
      "command": "z",
      "args": ["-y", "p"],
      "env": {}
    }
    // end note
  } // beside mcpServers
}
`);
  });

  test("removes an entry with its line, its comma and the comment beside it", () => {
    expect(edited(FILE, { kind: "remove", path: ["mcpServers", "b"] })).toBe(
      FILE.replace('"x" }, //', '"x" } //').replace(
        '    "b": { "command": "y" } // beside b\n',
        "",
      ),
    );
    expect(edited(FILE, { kind: "remove", path: ["mcpServers", "a"] })).toBe(
      FILE.replace('    "a": { "command": "x" }, // beside a\n', ""),
    );
  });

  test("replaces a value in place", () => {
    expect(edited(FILE, { kind: "set", path: ["daemon", "port"], value: null })).toBe(
      FILE.replace("9000", "null"),
    );
  });

  test("stays on the line of an object written on one line", () => {
    const host: Edit = { kind: "set", path: ["daemon", "host"], value: "::1" };
    expect(edited(FILE, host)).toBe(FILE.replace("9000 }", '9000, "host": "::1" }'));
    expect(edited(FILE, { kind: "remove", path: ["daemon", "port"] })).toBe(
      FILE.replace('{ "port": 9000 }', "{ }"),
    );
    expect(edited(FILE, host, { kind: "remove", path: ["daemon", "port"] })).toBe(
      FILE.replace('"port": 9000', '"host": "::1"'),
    );
  });

  test("makes the parents that are missing", () => {
    const edit: Edit = { kind: "set", path: ["server", "sessions_max"], value: 5 };
    expect(edited(FILE, edit)).toBe(
      FILE.replace(
        "} // beside mcpServers\n",
        '}, // beside mcpServers\n  "server": {\n    "sessions_max": 5\n  }\n',
      ),
    );
    expect(edited("{}", edit)).toBe('{\n  "server": {\n    "sessions_max": 5\n  }\n}');
  });

  test.each([
    ["{ // note\n}", '{ // note\n  "k": 1\n}'],
    ['{ "a": 1 // note\n}', '{ "a": 1, // note\n  "k": 1\n}'],
    ['{\n\t"a": 1,\n}', '{\n\t"a": 1,\n\t"k": 1,\n}'],
    ['{\r\n    "a": 1\r\n}\r\n', '{\r\n    "a": 1,\r\n    "k": 1\r\n}\r\n'],
    ['\uFEFF{"a":1}', '\uFEFF{"a":1, "k": 1}'],
    ['{ "a": 1\n, "b": 2\n}', '{ "a": 1\n, "b": 2, "k": 1\n}'],
    ['{\n  "a": 1 /* x */ , // y\n}', '{\n  "a": 1 /* x */ , // y\n  "k": 1,\n}'],
  ])("keeps the style of %p", (text, expected) => {
    expect(edited(text, { kind: "set", path: ["k"], value: 1 })).toBe(expected);
  });

  test("removing what is not there changes nothing", () => {
    expect(edited(FILE, { kind: "remove", path: ["mcpServers", "z", "env"] })).toBe(FILE);
  });

  test("refuses to go through something that is no object", () => {
    const result = editText('{ "daemon": 5 }', [
      { kind: "set", path: ["daemon", "port"], value: 9000 },
    ]);
    expect(isFault(result) && result.text).toContain("daemon.port");
  });

  test("does to the value what it says, whatever the layout, and undoes cleanly", () => {
    const key = fc.constantFrom("a", "b", "c");
    const leaf = fc.dictionary(key, fc.oneof(fc.integer(), fc.constant("x"), fc.constant([1])));
    const file = fc.dictionary(key, leaf);
    const layouts: ((value: unknown) => string)[] = [
      (value) => JSON.stringify(value),
      (value) => JSON.stringify(value, null, 2),
      (value) => JSON.stringify(value, null, "\t").replaceAll("\n", "\r\n"),
      (value) => JSON.stringify(value, null, 2).replaceAll(/,$/gm, ", // note, with { signs"),
      (value) => JSON.stringify(value, null, 2).replaceAll(/(\d)$/gm, "$1, // the last"),
      (value) => JSON.stringify(value, null, 1).replaceAll(/,\n/g, "\n,"),
    ];
    fc.assert(
      fc.property(file, key, key, fc.constantFrom(...layouts), (value, first, second, layout) => {
        const text = layout(value);
        const path = [first, second];
        const set = edited(text, { kind: "set", path, value: 42 });
        expect(valueOf(set)).toEqual({ ...value, [first]: { ...value[first], [second]: 42 } });
        const { [second]: _, ...rest } = value[first] ?? {};
        const removed = edited(set, { kind: "remove", path });
        expect(valueOf(removed)).toEqual({ ...value, [first]: rest });
        const gone = edited(removed, { kind: "remove", path: [first] });
        const { [first]: __, ...others } = value;
        expect(valueOf(gone)).toEqual(others);
      }),
      { numRuns: 300 },
    );
  });
});
