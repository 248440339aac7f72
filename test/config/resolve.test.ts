import { describe, expect, test } from "bun:test";

import { explainRows } from "../../src/config/explain.ts";
import { defaultRevision, derivedPort, readConfig } from "../../src/config/resolve.ts";
import { CONFIG_TEMPLATE } from "../../src/config/template.ts";
import { type Fault, isFault } from "../../src/core/fault.ts";
import { RESTART_SETTINGS } from "../../src/core/plan.ts";
import type { Revision } from "../../src/core/revision.ts";
import { testHost } from "./host.ts";

const FILE = "/c/mcpd.config.json";

function revision(text: string): Revision {
  const result = readConfig(text, FILE, testHost(), 1);
  if (isFault(result)) throw new Error(result.text);
  return result;
}

function refused(text: string): Fault {
  const result = readConfig(text, FILE, testHost(), 1);
  if (!isFault(result)) throw new Error("it was accepted");
  return result;
}

function upstream(entry: object): Revision["units"][number] {
  const found = revision(JSON.stringify({ mcpServers: { it: entry } })).units[1];
  if (found === undefined) throw new Error("there is no unit");
  return found;
}

describe("defaults", () => {
  test("an empty object, the template and no file at all are the same config", () => {
    const defaults = defaultRevision(testHost());
    expect(revision("{}").hash).toBe(defaults.hash);
    expect(revision(CONFIG_TEMPLATE).hash).toBe(defaults.hash);
    expect(revision(CONFIG_TEMPLATE).warnings).toEqual([]);
    expect(defaults).toMatchObject({ path: null, warnings: [], number: 1 });
  });

  test("are those the documents name", () => {
    const { daemon, server, units } = defaultRevision(testHost());
    expect(daemon).toEqual({
      enabled: true,
      host: "127.0.0.1",
      port: derivedPort("alice"),
      auth: "api_key",
      apiKeyFile: "/nowhere/state/api-key",
      apiKeyEnv: "MCPD_API_KEY",
      cors: { allowedOrigins: [], allowCredentials: false },
      logLevel: "INFO",
      logLevels: {},
      logFormat: "text",
      logBytesMax: 10_485_760,
      logFilesMax: 5,
      configPollMs: 5000,
      healthCheckMs: 30_000,
      autoStart: true,
    });
    expect(server).toEqual({
      requestTimeoutMs: 60_000,
      messageBytesMax: 1_048_576,
      answerBytesMax: 67_108_864,
      sessionIdleMs: 86_400_000,
      sessionsMax: 10_000,
    });
    expect(units).toMatchObject([{ key: "mcpd", reach: { kind: "builtin" }, disabled: false }]);
  });

  test("derivedPort() is the documented formula", () => {
    // python3: 8321 + int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], 'big') % 100
    expect(derivedPort("alice")).toBe(8345);
    expect(derivedPort("root")).toBe(8372);
    expect(derivedPort("jürgen")).toBe(8404);
  });
});

describe("upstreams", () => {
  test("stdio: command, references and paths are resolved, nothing is expanded", () => {
    const { reach } = upstream({
      command: "./bin/server",
      args: ["${HOME}", "{project}"],
      env: { A: "${B}", C: { env: "D" }, E: { file: "keys/e", prefix: "x " }, _JAVA_OPTIONS: "-X" },
      cwd: "~/work",
    });
    expect(reach).toEqual({
      kind: "stdio",
      command: "/c/bin/server",
      args: ["${HOME}", "{project}"],
      env: {
        A: { kind: "text", text: "${B}" },
        C: { kind: "env", name: "D", prefix: "" },
        E: { kind: "file", path: "/c/keys/e", prefix: "x " },
        _JAVA_OPTIONS: { kind: "text", text: "-X" },
      },
      cwd: "/home/alice/work",
    });
  });

  test.each([
    ["npx", "npx"],
    ["bin/x", "/c/bin/x"],
    ["../x", "/x"],
    ["/usr/bin/x", "/usr/bin/x"],
    ["~/x", "/home/alice/x"],
    ["${TOOLS}/x", "${TOOLS}/x"],
  ])("the command %p is %p", (command, resolved) => {
    expect(upstream({ command }).reach).toMatchObject({ command: resolved, cwd: null });
  });

  test.each([
    [{ url: "https://e.com/mcp" }, "http"],
    [{ url: "https://e.com/mcp", type: "streamable-http" }, "http"],
    [{ url: "https://e.com/sse", type: "sse" }, "sse"],
    [{ url: "wss://e.com/mcp" }, "ws"],
    [{ url: "https://${HOST}/mcp", type: "ws" }, "ws"],
  ])("remote: %p speaks %p", (entry, wire) => {
    expect(upstream(entry).reach).toMatchObject({ kind: "remote", wire, url: entry.url });
  });

  test("remote: headers come from text, the environment or files", () => {
    const headers = { A: "b", Authorization: { env: "KEY", prefix: "Bearer " }, _note: "x" };
    const entry = { url: "https://e.com", headers, headers_env: { "X-Key": "XKEY" } };
    expect(upstream(entry).reach).toMatchObject({
      headers: {
        A: { kind: "text", text: "b" },
        Authorization: { kind: "env", name: "KEY", prefix: "Bearer " },
        "X-Key": { kind: "env", name: "XKEY", prefix: "" },
      },
    });
  });

  test("settings: seconds become milliseconds, the general time-out is inherited", () => {
    const text = `{ "server": { "request_timeout_secs": 9 }, "mcpServers": {
      "a": { "command": "a" },
      "b": { "command": "b", "timeout_secs": 0.5, "idle_stop_secs": 600, "max_retries": 0,
             "auto_reconnect": false, "tools": { "deny": ["rm_*"] }, "prefix": "always" } } }`;
    const [, a, b] = revision(text).units;
    expect(a?.settings).toMatchObject({ requestTimeoutMs: 9000, idleStopMs: null, retriesMax: 1 });
    expect(b?.settings).toEqual({
      requestTimeoutMs: 500,
      startTimeoutMs: 60_000,
      idleStopMs: 600_000,
      reconnect: false,
      retriesMax: 0,
      tools: { allow: [], deny: ["rm_*"] },
      prefix: "always",
    });
  });

  test("a unit's hash is about what runs: settings do not change it, scope and reach do", () => {
    const { hash } = upstream({ command: "x" });
    expect(upstream({ command: "x", timeout_secs: 5, disabled: true, type: "stdio" }).hash).toBe(
      hash,
    );
    expect(upstream({ command: "x", scope: "project" }).hash).not.toBe(hash);
    expect(upstream({ command: "x", env: { A: "1" } }).hash).not.toBe(hash);
  });
});

describe("a revision", () => {
  test("is frozen to the bottom", () => {
    const made = revision('{ "mcpServers": { "a": { "command": "x", "env": { "A": "b" } } } }');
    const reach = made.units[1]?.reach;
    expect(Object.isFrozen(made) && Object.isFrozen(made.units)).toBe(true);
    expect(reach?.kind === "stdio" && Object.isFrozen(reach.env["A"])).toBe(true);
  });

  test("has the hash of its meaning, not of its text", () => {
    const plain = revision('{ "daemon": { "port": 9000, "log_level": "DEBUG" } }');
    const noted = revision(
      '{ // x\n "daemon": { "log_level": "DEBUG", "_note": 1, "port": 9000 } }',
    );
    expect(noted.hash).toBe(plain.hash);
    expect(revision("{}").hash).not.toBe(plain.hash);
  });

  test("tolerates notes everywhere without a word", () => {
    const text = `{ "$schema": "x", "_comment": 1, "// also": null,
      "daemon": { "_port_help": "...", "// x": 1, "cors": { "_": 1 } },
      "mcpServers": { "_note": "x", "a": { "command": "c", "_help": {}, "tools": { "_x": 1 },
        "env": { "K": { "env": "V", "_why": "x" } }, "// y": 2 } } }`;
    const made = revision(text);
    expect(made.warnings).toEqual([]);
    expect(made.units.map((unit) => unit.upstream)).toEqual(["mcpd", "a"]);
  });
});

describe("warnings", () => {
  test.each([
    ['{\n "deamon": {} }', "deamon", 2, 2, 'did you mean "daemon"?'],
    ['{ "daemon": { "prot": 1 } }', "daemon.prot", 1, 15, 'did you mean "port"?'],
    ['{ "servers": {} }', "servers", 1, 3, 'did you mean "mcpServers"?'],
    ['{ "daemon": { "banana": 1 } }', "daemon.banana", 1, 15, "mcpd config explain"],
    [
      '{ "mcpServers": { "a": { "command": "x", "timeout": 5 } } }',
      "mcpServers.a.timeout",
      1,
      42,
      'did you mean "timeout_secs"?',
    ],
    [
      '{ "mcpServers": { "a": { "command": "x", "env": { "GITHUB_TOKEN": "ghp_abcdefgh" } } } }',
      "mcpServers.a.env.GITHUB_TOKEN",
      1,
      67,
      "looks like a secret",
    ],
  ])("%p: %p at %p:%p", (text, path, line, column, words) => {
    const { warnings } = revision(text);
    expect(warnings).toMatchObject([{ path, line, column }]);
    expect(warnings[0]?.text).toContain(words);
    expect(warnings[0]?.text).not.toContain("ghp_");
  });

  test.each([
    ["GITHUB_TOKEN", "${GITHUB_TOKEN}"],
    ["MAX_TOKENS", "4096"],
    ["TOKEN_FILE", "/run/secrets/token"],
    ["LOG", "a-long-harmless-text"],
  ])("%p: %p is no secret", (name, value) => {
    const entry = { command: "x", env: { [name]: value } };
    expect(revision(JSON.stringify({ mcpServers: { a: entry } })).warnings).toEqual([]);
  });
});

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
  ['{ "mcpServers": { "a__b": { "command": "x" } } }', "mcpServers.a__b", 1, 19, 'has no "__"'],
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
  });
});

test("the schema and the plan agree on what needs a restart", () => {
  const rows = explainRows(null, "daemon").filter((row) => row.applies === "restart");
  const names = rows.map((row) => row.path.replace("daemon.", ""));
  expect(names.sort()).toEqual([...RESTART_SETTINGS].sort());
});
