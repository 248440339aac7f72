import { describe, expect, test } from "bun:test";

import fc from "fast-check";
import { stringify as toToml } from "smol-toml";
import { stringify as toYaml } from "yaml";

import { editServers, readServers } from "../../src/clients/document.ts";
import { isOurs } from "../../src/clients/link.ts";
import { CLIENTS } from "../../src/clients/registry.ts";
import { stripSecrets } from "../../src/clients/secrets.ts";
import type { Shape } from "../../src/clients/shape.ts";
import { isFault } from "../../src/core/fault.ts";

const SHAPE: Shape = { format: "json", path: ["s"] };
const NAME = fc.stringMatching(/^[A-Za-z][\w .-]{0,8}$/).filter((name) => name !== "mcpd");
const WORD = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("#", "[x]", "a: b", '"', "'", "- y"),
);
const SERVER = fc.record({
  command: WORD,
  args: fc.array(WORD, { maxLength: 3 }),
  env: fc.dictionary(NAME, WORD, { maxKeys: 2 }),
});
const SERVERS = fc.dictionary(NAME, SERVER, { maxKeys: 4 });
const OTHERS = fc.dictionary(
  fc.stringMatching(/^z[a-z]{1,6}$/),
  fc.oneof(WORD, fc.integer(), fc.boolean(), fc.array(WORD), fc.dictionary(NAME, WORD)),
  { maxKeys: 3 },
);

/** Texts as programs write them, servers before or behind everything else. */
const FORMATS: readonly (readonly [
  name: string,
  shape: Shape,
  write: (value: object, indent: number) => string,
])[] = [
  [
    "JSON",
    { format: "json", path: ["servers"] },
    (value, indent) => JSON.stringify(value, null, indent),
  ],
  ["TOML", { format: "toml", path: ["servers"] }, (value) => toToml(value)],
  [
    "YAML",
    { format: "yaml-map", path: ["servers"] },
    (value, indent) => toYaml(value, { indent: Math.max(1, indent) }),
  ],
];

describe.each(FORMATS)("any config in %s", (_name, shape, write) => {
  const texts = fc
    .tuple(SERVERS, OTHERS, fc.boolean(), fc.integer({ min: 0, max: 4 }))
    .map(([servers, others, first, indent]) => {
      const value = first ? { servers, ...others } : { ...others, servers };
      return { servers, text: write(value, indent) };
    });

  const edit = (text: string, set: readonly string[], remove: readonly string[]): string => {
    const entry = { command: "/opt/mcpd", args: ["bridge"] };
    const edits = { set: set.map((name) => [name, entry] as const), remove };
    const result = editServers(text, shape, "f", edits);
    if (isFault(result)) throw new Error(`${result.text}\n${text}`);
    return result;
  };

  test("gets an entry and loses it again without another byte changing", () => {
    fc.assert(
      fc.property(texts, ({ servers, text }) => {
        const back = edit(edit(text, ["mcpd"], []), [], ["mcpd"]);
        // A list that was empty need not be written the same way.
        if (Object.keys(servers).length > 0) expect(back.trimEnd()).toBe(text.trimEnd());
      }),
      { numRuns: 150 },
    );
  });

  test("loses any of its servers and keeps the others", () => {
    fc.assert(
      fc.property(texts, fc.array(fc.boolean()), ({ servers, text }, picks) => {
        const gone = Object.keys(servers).filter((_, at) => picks[at] === true);
        const left = readServers(edit(text, ["mcpd"], gone), shape, "f");
        if (isFault(left)) throw new Error(left.text);
        const kept = Object.keys(servers).filter((name) => !gone.includes(name));
        expect([...left.keys()].sort()).toEqual([...kept, "mcpd"].sort());
      }),
      { numRuns: 150 },
    );
  });
});

/** Keys that mean something to one client or the other. */
const KEY = fc.constantFrom(
  "command",
  "cmd",
  "args",
  "env",
  "envs",
  "url",
  "uri",
  "httpUrl",
  "headers",
  "type",
  "cwd",
  "http_headers",
  "env_http_headers",
  "env_keys",
  "includeTools",
);

test("any entry in any client is taken over or left, and never trips anybody", () => {
  const link = { program: ["/opt/mcpd"], flags: [], http: null } as const;
  const where = { system: "linux", home: "/h", environment: {}, project: "/p" } as const;
  const places = CLIENTS.flatMap((client) => client.places(where));
  fc.assert(
    fc.property(fc.dictionary(KEY, fc.jsonValue()), (entry) => {
      const servers = readServers(JSON.stringify({ s: { x: entry } }), SHAPE, "f");
      if (isFault(servers)) throw new Error(servers.text);
      for (const server of servers.values()) {
        expect(typeof isOurs(server, link)).toBe("boolean");
        for (const { dialect } of places) {
          const read = dialect.read(server, where);
          if (read.kind === "server") stripSecrets(read.entry);
        }
      }
    }),
    { numRuns: 300 },
  );
});
