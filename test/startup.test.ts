import { describe, expect, test } from "bun:test";

import { reach, readSource } from "./helpers/sources.ts";

/**
 * What costs a light command its milliseconds: the SDK builds its schemas when it is loaded (15
 * ms), consola and node:tty load the streams (10 ms), the others add up.
 */
const HEAVY = [
  /^hono/,
  /^@modelcontextprotocol\//,
  /^valibot/,
  /^@valibot\//,
  // consola/core with our own reporter costs nothing.
  /^consola(?!\/core$)/,
  /^citty/,
  /^jsonc-parser/,
  /^prom-client/,
  /^chokidar/,
  /^@cfworker\//,
  /^bun:sqlite/,
  /^node:(tty|child_process|net|http|https|stream|readline)/,
];

/** Our own files that every command loads before it knows which command it is. */
const FILES_MAX = 20;
const BYTES_MAX = 60_000;

const everyCommand = reach(["src/main.ts"], false);

describe("what every command loads", () => {
  test("no heavy library is among it", () => {
    const heavy = [...everyCommand.packages].filter((name) => HEAVY.some((row) => row.test(name)));
    expect(heavy).toEqual([]);
  });

  test("it is a handful of files", () => {
    expect([...everyCommand.files].sort()).toSatisfy((files) => files.length <= FILES_MAX);
    const bytes = [...everyCommand.files].reduce(
      (sum, path) => sum + readSource(path).text.length,
      0,
    );
    expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
  });

  test("the entry does not await at its top: its bytecode would not be used", () => {
    expect(readSource("src/main.ts").text).not.toMatch(/^[^/\n]*\bawait\b/m);
  });

  test("neither the server nor any command is loaded before it is asked for", () => {
    const early = [...everyCommand.files].filter((path) =>
      /^src\/(server|supervise|bootstrap|transport|config|cli\/commands)\//.test(path),
    );
    expect(early).toEqual([]);
  });
});

// The light commands: asked for in prompts and scripts, many times a minute.
describe.each([
  "version",
  "status",
  "call",
  "call-tool",
  "tools",
  "read",
  "prompt",
  "show-key",
  "health",
])("mcpd %s", (name) => {
  const graph = reach(["src/main.ts", `src/cli/commands/${name}.ts`], false);

  test("loads nothing of the server", () => {
    const roles = [...graph.files].filter((path) => /^src\/(server|bootstrap)\//.test(path));
    expect(roles).toEqual([]);
  });

  test("loads neither the SDK nor hono nor consola", () => {
    const heavy = [...graph.packages].filter((found) =>
      /^(@modelcontextprotocol\/|hono|consola(?!\/core$)|prom-client|chokidar)/.test(found),
    );
    expect(heavy).toEqual([]);
  });
});

test.each(["server", "bootstrap"])(
  "the %s needs no streams of the runtime: two megabytes",
  (room) => {
    const graph = reach(["src/main.ts", `src/${room}/${room}.ts`], false);
    const loading = /^node:(tty|crypto|net|stream|http|https|readline|child_process|zlib)$/;
    expect([...graph.packages].filter((name) => loading.test(name))).toEqual([]);
  },
);

test("the measure sees lazy imports for what they are", () => {
  const everything = reach(["src/main.ts"], true);
  expect(everything.files.size).toBeGreaterThan(everyCommand.files.size);
  expect([...everything.packages].some((name) => name.startsWith("hono"))).toBe(true);
});
