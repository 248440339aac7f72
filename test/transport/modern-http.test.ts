import { describe, expect, test } from "bun:test";

import { META } from "../../src/core/envelope.ts";
import { modernStatus } from "../../src/transport/modern-http.ts";
import { type Doors, openDoors } from "../helpers/doors.ts";

const VERSION = "2026-07-28";

type Change = {
  readonly method?: string;
  readonly params?: { readonly [key: string]: unknown };
  readonly meta?: { readonly [key: string]: unknown };
  readonly headers?: { readonly [name: string]: string };
};

function post(doors: Doors, change: Change = {}): Promise<Response> {
  const { method = "tools/list", params = {}, meta = {} } = change;
  const _meta = { [META.version]: VERSION, [META.capabilities]: {}, ...meta };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } });
  const standard = { "mcp-protocol-version": VERSION, "mcp-method": method };
  return doors.ask("/mcp", { method: "POST", body, headers: { ...standard, ...change.headers } });
}

async function refusedAs(response: Response): Promise<readonly [number, number]> {
  const { error } = (await response.json()) as { error: { code: number } };
  return [response.status, error.code];
}

describe("a request of 2026-07-28", () => {
  test("opens a session of its own, of the client in its envelope, and gives out no id", async () => {
    await using doors = openDoors();
    const client = { name: "c", version: "2" };
    const response = await post(doors, { meta: { [META.client]: client } });
    expect(response.status).toBe(200);
    expect(response.headers.get("mcp-session-id")).toBeNull();
    expect(doors.desk.session(0).opening.envelope).toMatchObject({ version: VERSION, client });
  });

  test("without an envelope, or with half of one, is invalid", async () => {
    await using doors = openDoors();
    const headers = { "mcp-protocol-version": VERSION, "mcp-method": "tools/list" };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });
    const bare = await doors.ask("/mcp", { method: "POST", body, headers });
    expect(await refusedAs(bare)).toEqual([400, -32602]);
    const half = await post(doors, { meta: { [META.capabilities]: "none" } });
    expect(await refusedAs(half)).toEqual([400, -32602]);
  });

  test("must say in its headers what its body says", async () => {
    await using doors = openDoors();
    const call = { method: "tools/call", params: { name: "größe" } };
    const encoded = `=?base64?${Buffer.from("größe").toString("base64")}?=`;
    expect((await post(doors, { ...call, headers: { "mcp-name": encoded } })).status).toBe(200);
    // No method of this revision: that, and not its headers, is what is wrong with it.
    const removed = { method: "tasks/result", params: { taskId: "1" } };
    expect((await post(doors, removed)).status).toBe(200);
    const wrong: readonly Change[] = [
      { method: "tasks/get", params: { taskId: "1" } },
      { headers: { "mcp-method": "tools/call" } },
      { headers: { "mcp-protocol-version": "2026-07-29" } },
      call,
      { ...call, headers: { "mcp-name": "other" } },
      { ...call, headers: { "mcp-name": "=?base64?not base64?=" } },
    ];
    for (const change of wrong) {
      expect(await refusedAs(await post(doors, change))).toEqual([400, -32020]);
    }
  });

  test("hands on what its headers say of its arguments", async () => {
    await using doors = openDoors();
    const said = { "mcp-param-Region": "=?base64?w7w=?=", "mcp-param-b": "=?base64?w7w?=" };
    const call = { method: "tools/call", params: { name: "a" } };
    await post(doors, { ...call, headers: { "mcp-name": "a", ...said } });
    const { envelope } = doors.desk.session(0).opening;
    expect([...(envelope?.paramHeaders ?? [])].toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ["b", null],
      ["region", "ü"],
    ]);
  });

  test("of a revision nobody knows is told which are supported", async () => {
    await using doors = openDoors();
    const later = "2027-01-01";
    const response = await post(doors, {
      meta: { [META.version]: later },
      headers: { "mcp-protocol-version": later },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      id: 1,
      error: { code: -32022, data: { supported: [VERSION], requested: later } },
    });
  });

  test("is only ever a POST", async () => {
    await using doors = openDoors();
    const headers = { "mcp-protocol-version": VERSION };
    for (const method of ["GET", "DELETE"]) {
      const response = await doors.ask("/mcp", { method, headers });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    }
  });

  test("is cancelled by closing the connection", async () => {
    await using doors = openDoors();
    const abort = new AbortController();
    const headers = { "mcp-protocol-version": VERSION, "mcp-method": "wait" };
    const _meta = { [META.version]: VERSION, [META.capabilities]: {} };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "wait", params: { _meta } });
    const { signal } = abort;
    const answer = doors.ask("/mcp", { method: "POST", body, headers, signal });
    answer.catch(() => {});
    await doors.desk.until(() => doors.desk.sessions.length === 1);
    abort.abort();
    await doors.desk.until(() => doors.desk.session(0).closed);
    expect(doors.desk.session(0).closed).toBe(true);
  });
});

test.each([
  ['{"jsonrpc":"2.0","id":1,"result":{}}', 200],
  ['{"jsonrpc":"2.0","id":"a\\",b","error":{"code":-32601,"message":"x"}}', 404],
  ['{"jsonrpc":"2.0","id":7,"error":{"code":-32021,"message":"x"}}', 400],
  ['{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"x"}}', 200],
])("modernStatus() of %s is %d", (text, status) => {
  expect(modernStatus(text)).toBe(status);
});
