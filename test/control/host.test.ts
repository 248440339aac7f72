import { expect, test } from "bun:test";

import {
  type Attachment,
  type ControlContext,
  type ControlHandlers,
  ControlHost,
} from "../../src/control/host.ts";
import { type Fault, fault, FaultError } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";

type Sent = { readonly [key: string]: unknown };

/** A connection whose calls wait until the test answers them. */
function connect(
  handlers: Partial<ControlHandlers> = {},
  attachments: (attachment: Attachment) => Fault | null = () => null,
): {
  readonly host: ControlHost;
  readonly sent: Sent[];
  readonly mcp: string[];
  readonly calls: { readonly context: ControlContext; answer(value: object): void }[];
  ask(method: string, params?: object, id?: number | string): void;
} {
  const sent: Sent[] = [];
  const mcp: string[] = [];
  const calls: { context: ControlContext; answer(value: object): void }[] = [];
  const all: ControlHandlers = {
    "mcpd/status": () => {
      throw new FaultError(fault("file.failed", "Cannot read x: denied", "x"));
    },
    "mcpd/tools": () => ({ tools: [], missing: [] }),
    "mcpd/prompts": () => ({ prompts: [], missing: [] }),
    "mcpd/resources": () => ({ resources: [], missing: [] }),
    "mcpd/read": () => ({ contents: [] }),
    "mcpd/prompt": () => ({ messages: [] }),
    "mcpd/suggest": () => ({ values: [], total: null, hasMore: false }),
    "mcpd/apply": () => fault("config.changed"),
    "mcpd/cache": () => fault("config.changed"),
    "mcpd/call": (_, context) =>
      new Promise((resolve) => {
        calls.push({ context, answer: resolve });
      }),
    ...handlers,
  };
  const host = new ControlHost(all, {
    send: (text) => sent.push(JSON.parse(text) as Sent),
    mcp: (text) => mcp.push(text),
    attach: (attachment) => attachments(attachment),
  });
  const ask = (method: string, params: object | undefined = {}, id: number | string = 1): void =>
    host.receive(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  return { host, sent, mcp, calls, ask };
}

const CALL = { tool: "t", arguments: {} };

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("receive() answers its methods and passes everything else on untouched", async () => {
  const { host, sent, mcp, ask } = connect();
  ask("mcpd/tools");
  const foreign = [
    '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mcpd/x","s":"\\"mcpd/"}}',
    '{"jsonrpc":"2.0","id":2,"method":"x","params":{"a":"mcpd/status"}}',
    '{"jsonrpc":"2.0","id":3,"result":{"a":"mcpd/status"}}',
    '[{"jsonrpc":"2.0","id":1,"method":"mcpd/status"}]',
    'broken "mcpd/',
  ];
  for (const text of foreign) host.receive(text);
  await settle();
  expect(mcp).toEqual(foreign);
  expect(sent).toEqual([{ jsonrpc: "2.0", id: 1, result: { tools: [], missing: [] } }]);
});

test("receive() makes faults of handlers JSON-RPC errors, thrown or returned", async () => {
  const { sent, ask } = connect();
  ask("mcpd/status", {}, "a");
  ask("mcpd/apply", {}, "b");
  await settle();
  expect(sent.map(({ id, error }) => [id, (error as { data: object }).data])).toEqual([
    ["a", { fault: "file.failed", subject: "x" }],
    ["b", { fault: "config.changed" }],
  ]);
});

test("receive() suggests a method and refuses wrong params", () => {
  const { sent, calls, ask } = connect();
  ask("mcpd/stats");
  ask("mcpd/call", { tool: "", arguments: {} });
  ask("mcpd/call", { tool: "x", arguments: 1 });
  ask("mcpd/call", { tool: "x", arguments: {}, timeoutMs: 0.5 });
  const errors = sent.map(({ error }) => error as { code: number; message: string });
  expect(errors.map(({ code }) => code)).toEqual([-32601, -32602, -32602, -32602]);
  expect(errors[0]?.message).toContain('Did you mean "mcpd/status"?');
  expect(errors[2]?.message).toContain("arguments");
  expect(calls).toEqual([]);
});

test("receive() ignores a notification and members it does not know", async () => {
  const { host, sent, ask } = connect();
  host.receive('{"jsonrpc":"2.0","method":"mcpd/tools"}');
  ask("mcpd/tools", { newer: true });
  await settle();
  expect(sent.length).toBe(1);
});

test("progress goes to its call until that is answered", async () => {
  const { sent, calls, ask } = connect();
  ask("mcpd/call", CALL, 4);
  const note = { progress: 1, total: null, message: "half" };
  calls[0]?.context.progress(note);
  calls[0]?.answer({ content: [] });
  await settle();
  calls[0]?.context.progress(note);
  expect(sent).toEqual([
    { jsonrpc: "2.0", method: "mcpd/progress", params: { ...note, id: 4 } },
    { jsonrpc: "2.0", id: 4, result: { content: [] } },
  ]);
});

test("a question goes to its call, and its answer back, until that is answered", async () => {
  const { sent, calls, ask } = connect();
  ask("mcpd/call", CALL, 4);
  const [call] = calls;
  const replies = [1, 2].map((number) => call?.context.ask({ message: `${number}?` }));
  expect(sent.map(({ params }) => params)).toEqual([
    { id: 4, question: 1, asked: { message: "1?" } },
    { id: 4, question: 2, asked: { message: "2?" } },
  ]);
  const reply = { action: "accept", content: { name: "Ann" } } as const;
  ask("mcpd/answer", { id: 4, question: 2, reply }, 5);
  expect(await replies[1]).toEqual(reply);
  ask("mcpd/answer", { id: 4, question: 1, reply: { action: "perhaps" } }, 6);
  expect(sent.at(-1)).toMatchObject({ id: 6, error: { code: -32602 } });
  call?.answer({ content: [] });
  await settle();
  void call?.context.ask({ message: "late" });
  ask("mcpd/answer", { id: 4, question: 1, reply }, 7);
  expect(sent.slice(-2).map(({ id }) => id)).toEqual([4, 7]);
});

test("mcpd/cancel and the end of the connection abort what is in flight", () => {
  const { host, sent, calls, ask } = connect();
  ask("mcpd/call", CALL, 1);
  ask("mcpd/call", CALL, 2);
  ask("mcpd/cancel", { id: 1 }, 3);
  ask("mcpd/cancel", { id: 9 }, 4);
  expect(sent.map(({ result }) => result)).toEqual([{ cancelled: true }, { cancelled: false }]);
  expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, false]);
  host.close();
  expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, true]);
});

test("nothing is sent for a request after its connection has ended", async () => {
  const { host, sent, calls, ask } = connect();
  ask("mcpd/call", CALL, 1);
  host.close();
  calls[0]?.answer({});
  await settle();
  expect(sent).toEqual([]);
});

test("receive() refuses an id in use and more than the bound in flight", () => {
  const { sent, calls, ask } = connect();
  for (let id = 0; id <= LIMITS.inFlightPerSession; id++) ask("mcpd/call", CALL, id);
  ask("mcpd/call", CALL, 0);
  expect(calls.length).toBe(LIMITS.inFlightPerSession);
  expect(sent.map(({ error }) => (error as { data: { fault: string } }).data.fault)).toEqual([
    "session.busy",
    "message.duplicate-id",
  ]);
});

test("a call is given up, and its question answered, however many are in flight", async () => {
  const { sent, calls, ask } = connect();
  for (let id = 0; id < LIMITS.inFlightPerSession; id++) ask("mcpd/call", CALL, id);
  const asked = calls[0]?.context.ask({ message: "?" });
  const reply = { action: "decline" } as const;
  ask("mcpd/answer", { id: 0, question: 1, reply }, "answer");
  expect(await asked).toEqual(reply);
  ask("mcpd/cancel", { id: 0 }, "cancel");
  expect(sent.at(-1)?.["result"]).toEqual({ cancelled: true });
});

test("attach() chooses what the session of the connection sees, or says why not", () => {
  const asked: Attachment[] = [];
  const { sent, ask } = connect({}, (attachment) => {
    asked.push(attachment);
    return attachment.upstream === "gone" ? fault("upstream.unknown") : null;
  });
  ask("mcpd/attach", { upstream: "files", project: "/p" }, 1);
  ask("mcpd/attach", { upstream: "gone" }, 2);
  ask("mcpd/attach", { upstream: 3 }, 3);
  expect(asked).toEqual([{ upstream: "files", project: "/p" }, { upstream: "gone" }]);
  expect(sent).toMatchObject([
    { id: 1, result: {} },
    { id: 2, error: { data: { fault: "upstream.unknown" } } },
    { id: 3, error: { data: { fault: "params.invalid" } } },
  ]);
});
