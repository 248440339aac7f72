import { expect, test } from "bun:test";

import { runByClients, runByMcpd } from "../../src/clients/measure.ts";

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
  return { pid, parent, command };
}

function pids(processes: readonly { readonly pid: number }[]): readonly number[] {
  return processes.map(({ pid }) => pid);
}

test("counts what clients started with all it started, and nothing of mcpd or others", () => {
  expect(pids(runByClients(TABLE, [MEMORY]))).toEqual([11, 12, 13, 21]);
});

test("counts the daemon with its servers and the bridges as mcpd, and no other mcpd", () => {
  const table = [...TABLE, row(14, 10, "mcpd bridge"), row(40, 1, "/opt/mcpd/bin/mcpd setup")];
  const all = (): boolean => true;
  expect(pids(runByMcpd(table, 30, all))).toEqual([30, 31, 32, 14]);
  expect(pids(runByMcpd(table, null, all))).toEqual([14]);
  expect(pids(runByMcpd(table, 30, ({ pid }) => pid !== 14))).toEqual([30, 31, 32]);
});

test("does not count what it cannot tell from others", () => {
  const entries = [{ command: "npx", args: ["-y", "${PACKAGE}"] }, { url: "https://example.com" }];
  expect(runByClients(TABLE, entries)).toEqual([]);
  expect(runByClients(TABLE, [{ command: "c" }, { command: "other", args: ["js"] }])).toEqual([]);
  expect(pids(runByClients(TABLE, [{ command: "/usr/bin/cursor" }]))).toEqual([20, 21, 22]);
  expect(pids(runByClients(TABLE, [{ command: "mcp-server-memory" }]))).toEqual([13]);
});
