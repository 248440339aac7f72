import { describe, expect, test } from "bun:test";

import { Conversation, type Verdict } from "../../src/bridge/conversation.ts";
import { headOf } from "../../src/bridge/head.ts";
import { fault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";

type Fields = { readonly [key: string]: unknown };

const line = (fields: Fields): string => JSON.stringify({ jsonrpc: "2.0", ...fields });
const request = (id: number | string, method: string, params: Fields = {}): string =>
  line({ id, method, params });
const notification = (method: string, params: Fields = {}): string => line({ method, params });

function hears(conversation: Conversation, fields: Fields): Verdict {
  const bytes = new TextEncoder().encode(line(fields));
  return conversation.hears(headOf(bytes), bytes);
}

const INITIALIZE = request(0, "initialize", { protocolVersion: "2025-06-18" });
const INITIALIZED = notification("notifications/initialized");

/** A conversation that has been opened at a server that tells about its tools. */
function opened(): Conversation {
  const conversation = new Conversation();
  conversation.sends(INITIALIZE);
  const capabilities = { tools: { listChanged: true }, prompts: {} };
  hears(conversation, { id: 0, result: { capabilities } });
  conversation.sends(INITIALIZED);
  return conversation;
}

describe("what is in flight when the daemon goes", () => {
  test("a call is answered as undecided, a read stays open and is repeated", () => {
    const conversation = opened();
    const list = request("list", "tools/list");
    conversation.sends(request(1, "tools/call", { name: "x" }));
    conversation.sends(list);
    const [told, ...more] = conversation.lost();
    expect(more).toEqual([]);
    expect(JSON.parse(told ?? "")).toMatchObject({
      id: 1,
      error: { data: { fault: "daemon.lost" } },
    });
    expect(conversation.repeats()).toEqual([INITIALIZED, list]);
    expect(conversation.waiting).toBe(true);
    expect(hears(conversation, { id: "list", result: {} })).toBe("pass");
    expect(conversation.waiting).toBe(false);
    expect(conversation.lost()).toEqual([]);
  });

  test('1 and "1" are two requests', () => {
    const conversation = opened();
    conversation.sends(request(1, "tools/call"));
    conversation.sends(request("1", "tools/call"));
    hears(conversation, { id: "1", result: {} });
    expect(conversation.lost().map((text) => JSON.parse(text).id)).toEqual([1]);
  });

  test("what the client has cancelled is not answered", () => {
    const conversation = opened();
    conversation.sends(request(1, "tools/call"));
    conversation.sends(notification("notifications/cancelled", { requestId: 1 }));
    expect(conversation.lost()).toEqual([]);
  });

  test("a read that is too long to keep is answered, and so are the members of a batch", () => {
    const conversation = opened();
    const uri = "x".repeat(LIMITS.bridgeRepeatLength);
    conversation.sends(request(1, "resources/read", { uri }));
    conversation.sends(`[${request(2, "tools/list")},${request(3, "tools/call")}]`);
    expect(conversation.lost().map((text) => JSON.parse(text).id)).toEqual([1, 2, 3]);
  });

  test("everything open is answered once nobody will", () => {
    const conversation = new Conversation();
    conversation.sends(INITIALIZE);
    conversation.sends(request(1, "ping"));
    const told = conversation.abandon(fault("daemon.unreachable"));
    expect(told.map((text) => JSON.parse(text).id)).toEqual([0, 1]);
    expect(conversation.waiting).toBe(false);
    expect(conversation.opening).toBeNull();
    expect(conversation.repeats()).toEqual([]);
  });
});

describe("opening the conversation at another daemon", () => {
  test("an initialize that was answered is repeated, and its answer learnt from", () => {
    const conversation = opened();
    expect(conversation.opening).toEqual({ key: "0", text: INITIALIZE });
    expect(conversation.news()).toEqual([
      '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
    ]);
  });

  test("one that was not answered yet is repeated for the client", () => {
    const conversation = new Conversation();
    conversation.sends(INITIALIZE);
    conversation.lost();
    expect(conversation.opening).toBeNull();
    expect(conversation.repeats()).toEqual([INITIALIZE]);
  });

  test("one that was refused is forgotten", () => {
    const conversation = new Conversation();
    conversation.sends(INITIALIZE);
    hears(conversation, { id: 0, error: { code: -32603, message: "no" } });
    expect(conversation.opening).toBeNull();
  });

  test("a client that needs none has only its requests repeated", () => {
    const conversation = new Conversation();
    const listen = request(1, "subscriptions/listen");
    conversation.sends(listen);
    conversation.lost();
    expect(conversation.opening).toBeNull();
    expect(conversation.repeats()).toEqual([listen]);
  });

  test("the newest log level and the standing subscriptions are repeated unheard", () => {
    const conversation = opened();
    const level = request(2, "logging/setLevel", { level: "error" });
    const standing = request(3, "resources/subscribe", { uri: "a" });
    conversation.sends(request(1, "logging/setLevel", { level: "debug" }));
    conversation.sends(level);
    conversation.sends(standing);
    conversation.sends(request(4, "resources/subscribe", { uri: "b" }));
    conversation.sends(request(5, "resources/unsubscribe", { uri: "b" }));
    for (const id of [1, 2, 3, 4, 5]) hears(conversation, { id, result: {} });
    conversation.lost();
    expect(conversation.repeats()).toEqual([INITIALIZED, level, standing]);
    expect(hears(conversation, { id: 2, result: {} })).toBe("drop");
    expect(hears(conversation, { id: 3, error: { code: 1, message: "gone" } })).toBe("drop");
    expect(hears(conversation, { id: 3, result: {} })).toBe("pass");
  });
});

describe("a subscription of a modern client", () => {
  const listen = request(1, "subscriptions/listen");
  const subscriptionId = "io.modelcontextprotocol/subscriptionId";
  const _meta = { [subscriptionId]: 1 };
  const agreed = {
    method: "notifications/subscriptions/acknowledged",
    params: { _meta, notifications: { toolsListChanged: true, promptsListChanged: false } },
  };

  test("stands again at another daemon, and hears once that its lists may be old", () => {
    const conversation = new Conversation();
    conversation.sends(listen);
    expect(conversation.news()).toEqual([]);
    expect(hears(conversation, agreed)).toBe("pass");
    expect(conversation.lost()).toEqual([]);
    expect(conversation.repeats()).toEqual([listen]);
    expect(conversation.news().map((text) => JSON.parse(text))).toEqual([
      { jsonrpc: "2.0", method: "notifications/tools/list_changed", params: { _meta } },
    ]);
    expect(hears(conversation, agreed)).toBe("drop");
  });

  test("does not end with a daemon that stops in peace, but with an error", () => {
    const conversation = new Conversation();
    conversation.sends(listen);
    hears(conversation, agreed);
    expect(hears(conversation, { id: 1, result: { _meta } })).toBe("drop");
    conversation.lost();
    expect(conversation.repeats()).toEqual([listen]);
    expect(hears(conversation, { id: 1, error: { code: 1, message: "no" } })).toBe("pass");
    expect(conversation.news()).toEqual([]);
  });

  test("that the client has ended is not heard of again", () => {
    const conversation = new Conversation();
    conversation.sends(listen);
    hears(conversation, agreed);
    conversation.sends(notification("notifications/cancelled", { requestId: 1 }));
    conversation.lost();
    expect(conversation.repeats()).toEqual([]);
    expect(conversation.news()).toEqual([]);
  });
});

describe("the daemon's questions", () => {
  test("are withdrawn with it, and a late answer goes nowhere", () => {
    const conversation = opened();
    const question = { id: 1, method: "elicitation/create", params: {} };
    expect(hears(conversation, question)).toBe("pass");
    const [told] = conversation.lost();
    expect(JSON.parse(told ?? "")).toMatchObject({
      method: "notifications/cancelled",
      params: { requestId: 1 },
    });
    // The same id means another question now: the client's answer could not be told apart.
    expect(hears(conversation, question)).toBe("refuse");
    expect(conversation.sends(line({ id: 1, result: {} }))).toBe(false);
    expect(hears(conversation, question)).toBe("pass");
    expect(conversation.sends(line({ id: 1, result: {} }))).toBe(true);
  });

  test("are over when they were answered or withdrawn", () => {
    const conversation = opened();
    hears(conversation, { id: 1, method: "roots/list" });
    hears(conversation, { id: 2, method: "roots/list" });
    conversation.sends(line({ id: 1, result: {} }));
    hears(conversation, { method: "notifications/cancelled", params: { requestId: 2 } });
    expect(conversation.lost()).toEqual([]);
  });
});
