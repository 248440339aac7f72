import { expect, test } from "bun:test";

import type { Reply } from "../../src/control/api.ts";
import type { RequestOptions } from "../../src/control/client.ts";
import type { ControlHandlers } from "../../src/control/host.ts";
import { LocalControl } from "../../src/control/local.ts";
import { fault } from "../../src/core/fault.ts";

function local(handlers: Partial<ControlHandlers>): LocalControl {
  return new LocalControl(handlers as ControlHandlers);
}

const CALL = { tool: "t", arguments: {} };

test("request() gives what the handler answers, and its progress", async () => {
  const control = local({
    "mcpd/call": ({ tool }, context) => {
      context.progress({ progress: 1, total: 2, message: null });
      return { content: [{ type: "text", text: tool }] };
    },
  });
  const notes: number[] = [];
  const onProgress = ({ progress }: { readonly progress: number }): void =>
    void notes.push(progress);
  const result = await control.request("mcpd/call", CALL, { onProgress });
  expect(result).toEqual({ content: [{ type: "text", text: "t" }] });
  expect(notes).toEqual([1]);
});

test("request() throws a fault, also one that is returned", async () => {
  const control = local({ "mcpd/apply": () => fault("config.changed") });
  const asked = control.request("mcpd/apply", {});
  expect(await asked.catch((error: unknown) => error)).toMatchObject({
    fault: { code: "config.changed" },
  });
});

test("request() ends when it is given up, after the handler was told", async () => {
  const abort = new AbortController();
  let told = false;
  const control = local({
    "mcpd/call": (_, { signal }) => {
      signal.addEventListener("abort", () => (told = true));
      return new Promise(() => undefined);
    },
  });
  const asked = control.request("mcpd/call", CALL, { signal: abort.signal });
  abort.abort();
  expect(await asked.catch((error: unknown) => error)).toMatchObject({
    fault: { code: "exchange.cancelled" },
  });
  expect(told).toBe(true);
});

test("request() answers what the handler asks, and cancels where nobody answers", async () => {
  const control = local({
    "mcpd/call": async (_, { ask }) => {
      const { action } = await ask({ message: "Who?" });
      return { content: [{ type: "text", text: action }] };
    },
  });
  const onQuestion = (): Promise<Reply> => Promise.resolve({ action: "decline" });
  const said = async (options: RequestOptions): Promise<unknown> =>
    (await control.request("mcpd/call", CALL, options)).content?.[0]?.["text"];
  expect([await said({ onQuestion }), await said({})]).toEqual(["decline", "cancel"]);
});
