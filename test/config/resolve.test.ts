import { describe, expect, test } from "bun:test";

import { defaultRevision, derivedPort, readConfig } from "../../src/config/resolve.ts";
import { CONFIG_TEMPLATE } from "../../src/config/template.ts";
import { isFault } from "../../src/core/fault.ts";
import { replicaUnits } from "../../src/core/replica-units.ts";
import type { Revision } from "../../src/core/revision.ts";
import { testHost } from "./host.ts";

const FILE = "/c/mcpd.config.json";

function revision(text: string): Revision {
  const result = readConfig(text, FILE, testHost(), 1);
  if (isFault(result)) throw new Error(result.text);
  return result;
}

function upstream(entry: object): Revision["units"][number] {
  const found = revision(JSON.stringify({ mcpServers: { it: entry } })).units[1];
  if (found === undefined) throw new Error("there is no unit");
  return found;
}

test("secrets may be in the keychain, and a url may name what its own env refers to", () => {
  const keychain = { service: "github", account: "ada" };
  const { reach } = upstream({
    url: "https://x.test/?key=${KEY}",
    env: { KEY: { keychain } },
    headers: { Authorization: { keychain, prefix: "Bearer " } },
  });
  expect(reach).toMatchObject({
    env: { KEY: { kind: "keychain", ...keychain, prefix: "" } },
    headers: { Authorization: { kind: "keychain", ...keychain, prefix: "Bearer " } },
  });
  expect(upstream({ url: "https://x.test" }).reach).not.toHaveProperty("env");
  const half = { command: "x", env: { KEY: { keychain: { service: "github" } } } };
  expect(
    readConfig(JSON.stringify({ mcpServers: { it: half } }), FILE, testHost(), 1),
  ).toMatchObject({ code: "config.invalid" });
});

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

  test("urls are one upstream with other addresses, replicas one command several times", () => {
    const urls = ["wss://a.com/mcp", "wss://b.com/mcp", "ws://c.com"];
    const { reach, hash } = upstream({ urls });
    expect(reach).toMatchObject({ wire: "ws", url: urls[0], others: urls.slice(1) });
    expect(upstream({ urls: urls.toReversed() }).hash).not.toBe(hash);
    const keys = ["a#1", "a#2", "a#3"];
    const remote = replicaUnits(upstream({ urls }));
    expect(remote.map((unit) => unit.reach)).toMatchObject(urls.map((url) => ({ url })));
    expect(remote.every((unit) => !("others" in unit.reach))).toBe(true);
    const local = replicaUnits(upstream({ command: "x", replicas: 3 }));
    expect(local.map((unit) => unit.key.slice(-2))).toEqual(keys.map((key) => key.slice(-2)));
    expect(local.map((unit) => unit.reach)).toEqual(
      keys.map(() => upstream({ command: "x" }).reach),
    );
  });

  test("one replica is the same unit as no word about replicas", () => {
    const plain = upstream({ command: "x" });
    expect(upstream({ command: "x", replicas: 1, trust_read_only: true }).hash).toBe(plain.hash);
    expect(replicaUnits(plain)).toEqual([]);
  });

  test.each([
    [{ urls: ["https://a.com"] }, "at least two"],
    [{ urls: ["https://a.com", "wss://b.com"] }, "All of them"],
    [{ urls: ["https://a.com", "nonsense"] }, "Write it like"],
    [{ url: "https://a.com", urls: ["https://b.com", "https://c.com"] }, "either"],
    [{ url: "https://a.com", replicas: 2 }, 'need a "command"'],
    [{ command: "x", replicas: 0 }, "replicas"],
    [{ command: "x", replicas: 17 }, "replicas"],
  ])("replicas: %p is refused", (entry, why) => {
    const read = readConfig(JSON.stringify({ mcpServers: { a: entry } }), FILE, testHost(), 1);
    expect(JSON.stringify(read)).toContain(JSON.stringify(why).slice(1, -1));
    expect(isFault(read)).toBe(true);
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
      hedgeMs: null,
      tools: { allow: [], deny: ["rm_*"] },
      prefix: "always",
      reuse: { tools: [], resourcesMs: 0, forgottenBy: [] },
      trustReadOnly: false,
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
    [
      '{ "mcpServers": { "a": { "command": "x", "args": ["--api-key", "ghp_abcdefgh"] } } }',
      "mcpServers.a.args[1]",
      1,
      64,
      "write ${NAME} in its place",
    ],
    [
      '{ "mcpServers": { "a": { "url": "https://x.test/?api_key=ghp_abcdefgh" } } }',
      "mcpServers.a.url",
      1,
      33,
      "write ${NAME} in its place",
    ],
    [
      '{ "mcpServers": { "a": { "command": "x", "hedge_reads_secs": 1 } } }',
      "mcpServers.a.hedge_reads_secs",
      1,
      42,
      'set "replicas" or "urls"',
    ],
  ])("%p: %p at %p:%p", (text, path, line, column, words) => {
    const { warnings } = revision(text);
    expect(warnings).toMatchObject([{ path, line, column }]);
    expect(warnings[0]?.text).toContain(words);
    expect(warnings[0]?.text).not.toContain("ghp_");
  });

  test("late reads of several replicas are in order", () => {
    const replicas = { command: "x", replicas: 2, hedge_reads_secs: 1 };
    const urls = { urls: ["http://a.test", "http://b.test"], hedge_reads_secs: 1 };
    expect(revision(JSON.stringify({ mcpServers: { replicas, urls } })).warnings).toEqual([]);
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
