import { expect, test } from "bun:test";

import { givenReply } from "../../src/cli/given-reply.ts";
import type { Reply } from "../../src/control/api.ts";
import { FaultError } from "../../src/core/fault.ts";

const FORM = {
  message: "Who?",
  requestedSchema: {
    type: "object",
    properties: {
      name: { type: "string" },
      age: { type: "integer", default: 30 },
    },
    required: ["name"],
  },
};
const URL_MODE = { mode: "url", message: "Log in", url: "https://a.example/" };

function reply(
  asked: object,
  values: { readonly [field: string]: unknown },
  texts?: { readonly [field: string]: string },
): Reply {
  const input = { arguments: values, ...(texts === undefined ? {} : { texts }) };
  return givenReply("people", { ...asked }, { action: "accept", input });
}

function problem(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof FaultError) return error.fault.text;
    throw error;
  }
  return "";
}

test("what is given is sent, with the defaults of what is not, and text where text is wanted", () => {
  expect(reply(FORM, { name: 7 }, { name: "7" })).toEqual({
    action: "accept",
    content: { name: "7", age: 30 },
  });
});

test("what does not fit the form is refused before it is sent", () => {
  const wrong = (values: { readonly [field: string]: unknown }): string =>
    problem(() => reply(FORM, values));
  expect(wrong({})).toBe('--answer does not fit "Who?": /name: is missing');
  expect(wrong({ name: "Ann", age: "x" })).toContain("/age: expected integer, got string");
  expect(wrong({ name: "Ann", nmae: "Ann" })).toContain("/nmae: is not allowed");
});

test("only an empty answer agrees to an address: values were meant for something else", () => {
  expect(reply(URL_MODE, {})).toEqual({ action: "accept" });
  expect(problem(() => reply(URL_MODE, { name: "Ann" }))).toContain("--answer '{}' agrees");
});

test("declining and cancelling need no form", () => {
  expect(givenReply("people", FORM, { action: "decline" })).toEqual({ action: "decline" });
  expect(givenReply("people", URL_MODE, { action: "cancel" })).toEqual({ action: "cancel" });
});
