import { describe, expect, test } from "bun:test";

import { entryProblem, readConfig } from "../../src/config/resolve.ts";
import { type Fault, isFault } from "../../src/core/fault.ts";
import { testHost } from "./host.ts";

const FILE = "/c/mcpd.config.json";

function refused(text: string): Fault {
  const result = readConfig(text, FILE, testHost(), 1);
  if (!isFault(result)) throw new Error("it was accepted");
  return result;
}

const CORS = '{ "daemon": { "cors": { "allowed_origins": ["https://a.com", "a.com/x"] } } }';

/** The text, the path, line and column of its first problem, and words its text must have. */
const BROKEN: readonly (readonly [string, string, number, number, string])[] = [
  ["[]", "", 1, 1, "The file: expected an object, received a list"],
  ['"text"', "", 1, 1, 'expected an object, received "text"'],
  ['{ "daemon": null }', "daemon", 1, 3, "expected an object, received null"],
  ['{ "daemon": [] }', "daemon", 1, 3, "expected an object, received a list"],
  ['{ "daemon": { "enabled": "yes" } }', "daemon.enabled", 1, 26, "expected true or false"],
  ['{ "daemon": { "port": 80 } }', "daemon.port", 1, 23, "Ports below 1024 need administrator"],
  ['{ "daemon": { "port": 70000 } }', "daemon.port", 1, 23, "from 1024 to 65535 or null"],
  ['{ "daemon": { "port": "8321" } }', "daemon.port", 1, 23, 'received "8321"'],
  ['{ "daemon": { "port": 8321.5 } }', "daemon.port", 1, 23, "a whole number"],
  ['{\n  "daemon": {\n    "host": "http://x/"\n  } }', "daemon.host", 3, 13, "without a port"],
  ['{ "daemon": { "host": "" } }', "daemon.host", 1, 23, "such as 127.0.0.1"],
  ['{ "daemon": { "log_level": "info" } }', "daemon.log_level", 1, 28, '"DEBUG", "INFO"'],
  ['{ "daemon": { "log_levels": { "server": 1 } } }', "daemon.log_levels.server", 1, 41, '"INFO"'],
  ['{ "daemon": { "auth": true } }', "daemon.auth", 1, 23, '"api_key" or "none"'],
  ['{ "daemon": { "transport": "ws" } }', "daemon.transport", 1, 28, '"http", "sse" or "stdio"'],
  ['{ "daemon": { "api_key_env": "" } }', "daemon.api_key_env", 1, 30, "must not be empty"],
  [CORS, "daemon.cors.allowed_origins[1]", 1, 62, "Write an origin"],
  [
    '{ "daemon": { "log_rotation": { "max_bytes": 1 } } }',
    "daemon.log_rotation.max_bytes",
    1,
    46,
    "from 1024",
  ],
  ['{ "daemon": { "config_poll_seconds": 0 } }', "daemon.config_poll_seconds", 1, 38, "from 0.1"],
  ['{ "_version": "2.0" }', "_version", 1, 15, "upgrade mcpd"],
  ['{ "_version": 1 }', "_version", 1, 15, "Put it in double quotes"],
  ['{ "server": { "sessions_max": 0 } }', "server.sessions_max", 1, 31, "from 1 to 1000000"],
  [
    '{ "server": { "request_timeout_secs": -1 } }',
    "server.request_timeout_secs",
    1,
    39,
    "received -1",
  ],
  ['{ "mcpServers": { "a": {} } }', "mcpServers.a", 1, 19, 'either "command"'],
  ['{ "mcpServers": { "a": "npx" } }', "mcpServers.a", 1, 24, 'an object with "command" or "url"'],
  [
    '{ "mcpServers": { "a": { "command": "x", "url": "https://e.com" } } }',
    "mcpServers.a",
    1,
    19,
    "either",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "type": "http" } } }',
    "mcpServers.a",
    1,
    19,
    "does not fit",
  ],
  ...["*", "null", "https://*", "http://*:*", "http://localhost*"].map(
    (origin) =>
      [
        `{ "daemon": { "auth": "none", "cors": { "allowed_origins": ["${origin}"] } } }`,
        "daemon",
        1,
        3,
        '"cors.allowed_origins" in full, or set "auth" to "api_key"',
      ] as const,
  ),
  [
    '{ "mcpServers": { "a": { "command": ["x"] } } }',
    "mcpServers.a.command",
    1,
    26,
    "received a list",
  ],
  [
    '{ "mcpServers": { "a": { "command": "" } } }',
    "mcpServers.a.command",
    1,
    37,
    "must not be empty",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "args": "-y" } } }',
    "mcpServers.a.args",
    1,
    50,
    "a list of text",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "args": ["-p", 80] } } }',
    "mcpServers.a.args[1]",
    1,
    57,
    "Put it in double quotes",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "env": { "N": 5 } } } }',
    "mcpServers.a.env.N",
    1,
    56,
    "Put it in double quotes",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "env": ["A=b"] } } }',
    "mcpServers.a.env",
    1,
    42,
    "received a list",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "env": { "N": { "en": "X" } } } } }',
    "mcpServers.a.env.N",
    1,
    51,
    '{"env": "NAME"}',
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "env": { "A=B": "c" } } } }',
    'mcpServers.a.env["A=B"]',
    1,
    51,
    'contain "="',
  ],
  [
    '{ "mcpServers": { "a": { "url": "example.com" } } }',
    "mcpServers.a.url",
    1,
    33,
    "https://example.com/mcp",
  ],
  [
    '{ "mcpServers": { "a": { "url": "file:///x" } } }',
    "mcpServers.a.url",
    1,
    33,
    "http, https, ws or wss",
  ],
  [
    '{ "mcpServers": { "a": { "url": "https://e.com", "headers": { "a b": "c" } } } }',
    'mcpServers.a.headers["a b"]',
    1,
    63,
    "not a header name",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "scope": "global" } } }',
    "mcpServers.a.scope",
    1,
    51,
    '"user", "project" or "session"',
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "max_retries": 99 } } }',
    "mcpServers.a.max_retries",
    1,
    57,
    "from 0 to 10",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "tools": { "allow": "*" } } } }',
    "mcpServers.a.tools.allow",
    1,
    62,
    "a list of text",
  ],
  [
    '{ "mcpServers": { "mcpd": { "command": "x" } } }',
    "mcpServers.mcpd",
    1,
    19,
    "built-in upstream",
  ],
  ...["__proto__", "constructor", "prototype"].map(
    (name) =>
      [
        `{ "mcpServers": { "${name}": { "command": "x" } } }`,
        `mcpServers.${name}`,
        1,
        19,
        `"${name}" cannot be a name here: choose another one`,
      ] as const,
  ),
  ['{ "mcpServers": { "a__b": { "command": "x" } } }', "mcpServers.a__b", 1, 19, 'without "__"'],
  [
    '{ "mcpServers": { "a b": { "command": "x" } } }',
    'mcpServers["a b"]',
    1,
    19,
    "1 to 40 letters",
  ],
];

describe("wrong values", () => {
  test.each(BROKEN.map((row) => [...row] as const))(
    "%p: %p at %p:%p",
    (text, path, line, column, words) => {
      const problem = refused(text);
      expect(problem.code).toBe("config.invalid");
      expect(problem.data).toMatchObject({ path, line, column, file: FILE });
      expect(problem.text).toStartWith(`${FILE}:${line}:${column}: `);
      expect(problem.text).toContain(words);
      expect(problem.text).toContain("\n");
    },
  );

  test("are all reported, in the order of the file", () => {
    const text = `{
  "mcpServers": { "a": { "args": 1, "command": 2 } },
  "daemon": { "port": 1, "cors": [], "log_level": "LOUD" }
}`;
    const problem = refused(text);
    const problems = problem.data?.["problems"] as { path: string; line: number }[];
    expect(problems.map((each) => `${each.line} ${each.path}`)).toEqual([
      "2 mcpServers.a.args",
      "2 mcpServers.a.command",
      "3 daemon.port",
      "3 daemon.cors",
      "3 daemon.log_level",
    ]);
    expect(problem.text).toContain("(and 4 more problems)");
  });

  test("never show what could be a secret", () => {
    const entry = { command: "x", env: { API_KEY: 123456789 } };
    const problem = refused(
      JSON.stringify({ daemon: { port: 1 }, mcpServers: { a: entry } }, null, 1),
    );
    expect(JSON.stringify(problem)).not.toContain("123456789");
    const text =
      '{ "mcpServers": { "a": { "url": "x", "headers": { "Authorization": "Bearer abcdef" } } } }';
    expect(JSON.stringify(refused(text))).not.toContain("abcdef");
    const url = '{ "mcpServers": { "a": { "url": "gopher://bob:abcdef@example.com" } } }';
    expect(JSON.stringify(refused(url))).not.toContain("abcdef");
  });
});

test.each([
  [{ command: "x" }, null],
  [{}, 'Give either "command"'],
  [[], "expected an object"],
  [{ url: "not a url" }, 'url: "not a url" is not valid here. Write it like'],
  [{ command: "x", args: [{}] }, "args[0]: expected text, received an object"],
  [{ command: "x", env: { "mcpServers.it.X": 1 } }, "env.mcpServers.it.X: "],
])("entryProblem() of %j is about the entry alone", (entry, words) => {
  const problem = entryProblem(entry);
  expect(problem?.slice(0, words?.length) ?? null).toBe(words);
});
