import { describe, expect, test } from "bun:test";

import { codeOf, reach, readSource, type Source, sourcesIn } from "./helpers/sources.ts";

// Lengths of functions, `any` and unused code are held by oxlint and knip: see .oxlintrc.json and
// "knip" in package.json. This file holds what they cannot say.

const LINES_MAX = 300;
/** A test file is a list of cases; cutting it in two makes it no clearer. */
const TEST_LINES_MAX = 500;
const COLUMNS_MAX = 100;
/** A string is one thing and is not broken in two; but it is no excuse for ever. */
const LITERAL_COLUMNS_MAX = 140;
const LITERAL_REACHES = 80;

/** Where programs begin; everything else must be reached from one of them. */
const ENTRIES = ["src/main.ts", "src/library/mcpd.ts"];

/** Exemptions, each with its reason. */
const LONG_FILES: { readonly [path: string]: string } = {
  "src/core/fault.ts": "one table, one row per fault; half a table helps nobody",
};
const WIDE_FILES: { readonly [path: string]: string } = {
  "test/clients/fixtures.ts": "texts of other programs, formatted as they are",
};
const DEFAULT_EXPORTS = /^src\/cli\/commands\//;
const UNREACHED: { readonly [path: string]: string } = {};

const sources = sourcesIn("src");
const tooling = sourcesIn("build", "scripts");
const tests = sourcesIn("test");
const all = [...sources, ...tooling, ...tests];

function complaints(
  files: readonly Source[],
  about: (source: Source) => readonly string[],
): string[] {
  return files.flatMap((source) => about(source).map((text) => `${source.path}: ${text}`));
}

/** Complaints about single lines, each with its number. */
function lineComplaints(source: Source, complain: (line: string) => string | null): string[] {
  return source.lines.flatMap((line, index) => {
    const text = complain(line);
    return text === null ? [] : [`line ${index + 1} ${text}`];
  });
}

/** True when a string reaches far to the right: the formatter leaves strings in one piece. */
function hasLongLiteral(line: string): boolean {
  const head = line.slice(0, LITERAL_REACHES).replaceAll(/\\./g, "");
  return ['"', "'", "`", "/"].some((quote) => head.split(quote).length % 2 === 0);
}

function tooWide(line: string): string | null {
  if (line.length <= COLUMNS_MAX) return null;
  const comment = /^\s*(\/\/|\/?\*)/.test(line);
  if (!comment && line.length <= LITERAL_COLUMNS_MAX && hasLongLiteral(line)) return null;
  return `has ${line.length} columns: the limit is ${COLUMNS_MAX}`;
}

describe("the size of things", () => {
  test("a file is short enough to be one thing", () => {
    const found = complaints(all, ({ path, lines }) => {
      const limit = path.endsWith(".test.ts") ? TEST_LINES_MAX : LINES_MAX;
      const count = lines.length - 1;
      if (count <= limit || path in LONG_FILES) return [];
      return [`has ${count} lines: the limit is ${limit}`];
    });
    expect(found).toEqual([]);
  });

  test("a line fits the page", () => {
    const files = all.filter(({ path }) => !(path in WIDE_FILES));
    expect(complaints(files, (source) => lineComplaints(source, tooWide))).toEqual([]);
  });

  test("every exemption is still needed", () => {
    const needless = Object.keys(LONG_FILES).filter(
      (path) => readSource(path).lines.length - 1 <= LINES_MAX,
    );
    expect(needless).toEqual([]);
  });
});

describe("words", () => {
  // This file names the words it looks for.
  const others = all.filter(({ path }) => path !== "test/tidy.test.ts");

  test("nothing is left open", () => {
    const open = complaints(others, (source) =>
      lineComplaints(source, (line) => {
        const word = /\b(TODO|FIXME|XXX|HACK)\b/.exec(line)?.[0];
        return word === undefined ? null : `says ${word}: do it, or open an issue`;
      }),
    );
    expect(open).toEqual([]);
  });

  test("no test is left out, and none runs alone", () => {
    const left = complaints(others, (source) => {
      const found = /\b(test|it|describe)\.(skip|only|todo|failing|if|skipIf|todoIf)\b/.exec(
        codeOf(source),
      )?.[0];
      return found === undefined ? [] : [`uses ${found}`];
    });
    expect(left).toEqual([]);
  });

  test("no checker is told to look away without a reason", () => {
    const told = complaints(others, (source) =>
      lineComplaints(source, (line) =>
        /@ts-(ignore|nocheck|expect-error)|(oxlint|eslint)-disable/.test(line) &&
        !/disable-next-line \S+ -- \S+/.test(line)
          ? "switches a check off: say which and why, 'disable-next-line RULE -- REASON'"
          : null,
      ),
    );
    expect(told).toEqual([]);
  });
});

describe("modules", () => {
  test("nothing but a command is exported as default", () => {
    const found = complaints([...sources, ...tooling], (source) =>
      /^export default/m.test(source.text) && !DEFAULT_EXPORTS.test(source.path)
        ? ["has a default export: give it a name"]
        : [],
    );
    expect(found).toEqual([]);
  });

  test("no file only hands on what others export", () => {
    const barrels = complaints(all, (source) => {
      const starred = /^export \* from/m.test(source.text);
      const named = source.path.endsWith("/index.ts");
      return starred || named ? ["is a barrel: import from where a thing is"] : [];
    });
    expect(barrels).toEqual([]);
  });

  test("no module keeps a variable", () => {
    const kept = complaints(sources, (source) =>
      lineComplaints(source, (line) =>
        /^(export )?(let|var) /.test(line)
          ? "is a variable of the module: put it in an object"
          : null,
      ),
    );
    expect(kept).toEqual([]);
  });

  test("every source file is reached from a program", () => {
    const { files } = reach(ENTRIES, true);
    const typesOnly = sources.filter(({ path }) => !files.has(path)).filter(hasRuntime);
    const lost = typesOnly.map(({ path }) => path).filter((path) => !(path in UNREACHED));
    expect(lost).toEqual([]);
  });
});

/** False for a file of types only: nothing of it is left when it runs. */
function hasRuntime({ text }: Source): boolean {
  const emitted = new Bun.Transpiler({ loader: "ts" }).transformSync(text);
  return emitted.replaceAll(/export\s*\{\s*\};?/g, "").trim() !== "";
}

describe("rooms of the tree", () => {
  test("every test of a room stands beside that room", () => {
    const rooms = new Set(sources.map(({ path }) => path.split("/")[1]));
    const others = new Set([
      "chaos",
      "helpers",
      "fixtures",
      "sim",
      "e2e",
      "conformance",
      "scripts",
      "build",
    ]);
    const strangers = tests
      .map(({ path }) => path.split("/"))
      .filter((parts) => parts.length > 2)
      .map((parts) => parts[1] ?? "")
      .filter((folder) => !rooms.has(folder) && !others.has(folder));
    expect([...new Set(strangers)]).toEqual([]);
  });
});
