import { describe, expect, test } from "bun:test";

import type { Where } from "../../src/clients/client.ts";
import { type Foreign, readForeign } from "../../src/clients/foreign.ts";
import type { Link } from "../../src/clients/link.ts";
import { CLIENTS } from "../../src/clients/registry.ts";
import { type Fault, isFault } from "../../src/core/fault.ts";
import { FIXTURES } from "./fixtures.ts";

const WHERE: Where = { system: "linux", home: "/home/ada", environment: {}, project: null };
const LINK: Link = { program: ["/opt/mcpd"], flags: [], http: null };

function read(text: string, name: string): Foreign {
  const result: Foreign | Fault = readForeign(text, name, WHERE, LINK);
  if (isFault(result)) throw new Error(result.text);
  return result;
}

describe("a file of servers", () => {
  test.each(CLIENTS.map((client) => [client.id, client] as const))(
    "of %s is read by what is in it",
    (id, client) => {
      const name = client.places(WHERE)[0]?.paths[0] ?? "";
      const { found } = read(FIXTURES[id]?.text ?? "", name);
      expect(found.map((server) => server.name)).toEqual([...(FIXTURES[id]?.servers ?? [])]);
    },
  );

  test("is read without what points at mcpd, which would be a circle", () => {
    const mcpServers = { mcpd: { command: "mcpd", args: ["bridge"] }, other: { command: "x" } };
    const { found, left } = read(JSON.stringify({ mcpServers }), "copy.json");
    expect([found.map(({ name }) => name), left]).toEqual([["other"], []]);
  });

  test("may be a list, with settings that mean the same here", () => {
    const list = [
      {
        name: "think",
        command: "rk",
        args: ["serve-mcp"],
        env: {},
        timeout_secs: 30,
        auto_reconnect: false,
        max_retries: 1,
      },
    ];
    expect(read(JSON.stringify(list), "mcp_servers.json").found).toEqual([
      {
        source: "file",
        name: "think",
        entry: {
          command: "rk",
          args: ["serve-mcp"],
          timeout_secs: 30,
          auto_reconnect: false,
          max_retries: 1,
        },
      },
    ]);
  });

  test("may be the settings of a daemon", () => {
    const text = `[daemon]
enabled = true
auto_start = false
health_check_interval = 30
[daemon.logging]
level = "warn"
max_file_size = "10MB"
max_files = 5
`;
    const keys = read(text, "daemon.toml").settings.map(({ path, value }) => [
      path.join("."),
      value,
    ]);
    expect(Object.fromEntries(keys)).toEqual({
      "daemon.enabled": true,
      "daemon.auto_start": false,
      "daemon.health_check_interval": 30,
      "daemon.log_level": "WARNING",
      "daemon.log_rotation.max_bytes": 10_485_760,
      "daemon.log_rotation.backup_count": 5,
    });
  });

  test.each([
    ["a.json", '{ "mcpServers": { "a": }', "line 1"],
    ["a.json", "{}", "no list of MCP servers"],
    ["a.json", '{ "mcpServers": [] }', "not a list of servers"],
    ["a.toml", 'a = "\n', "line 1"],
    ["a.yaml", "a: [", "a.yaml"],
  ])("is refused with the reason: %s %s", (name, text, why) => {
    const result = readForeign(text, name, WHERE, LINK);
    expect(isFault(result) ? result.text : "").toContain(why);
  });
});
