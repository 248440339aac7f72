import { expect, test } from "bun:test";

import { costInside, costOutside } from "../../src/clients/measure.ts";

const TABLE = [
  row(1, 0, "init"),
  row(10, 1, "claude"),
  row(11, 10, "npm exec @modelcontextprotocol/server-memory"),
  row(12, 11, "sh -c mcp-server-memory"),
  row(13, 12, "node /x/mcp-server-memory"),
  row(20, 1, "cursor"),
  row(21, 20, "npm exec @modelcontextprotocol/server-memory"),
  row(22, 20, "node other.js"),
  row(30, 1, "/opt/mcpd/bin/mcpd serve --foreground"),
  row(31, 30, "npm exec @modelcontextprotocol/server-memory"),
  row(32, 31, "node /x/mcp-server-memory"),
];
const MEMORY = { command: "npx", args: ["-y", "@modelcontextprotocol/server-memory"] };

function row(pid: number, parent: number, command: string) {
  return { pid, parent, command, residentBytes: 1000 };
}

test("counts what clients started with all it started, and nothing of mcpd or others", () => {
  expect(costOutside(TABLE, [MEMORY])).toEqual({ processes: 4, residentBytes: 4000 });
});

test("counts the daemon with its servers and the bridges as mcpd, and no other mcpd", () => {
  const table = [...TABLE, row(14, 10, "mcpd bridge"), row(40, 1, "/opt/mcpd/bin/mcpd setup")];
  expect(costInside(table, 30)).toEqual({ processes: 4, residentBytes: 4000 });
  expect(costInside(table, null)).toEqual({ processes: 1, residentBytes: 1000 });
});

test("does not count what it cannot tell from others", () => {
  const entries = [{ command: "npx", args: ["-y", "${PACKAGE}"] }, { url: "https://example.com" }];
  expect(costOutside(TABLE, entries)).toEqual({ processes: 0, residentBytes: 0 });
  expect(costOutside(TABLE, [{ command: "c" }, { command: "other", args: ["js"] }]).processes).toBe(
    0,
  );
  expect(costOutside(TABLE, [{ command: "/usr/bin/cursor" }]).processes).toBe(3);
  expect(costOutside(TABLE, [{ command: "mcp-server-memory" }]).processes).toBe(1);
});
