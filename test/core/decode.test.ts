import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { decode, decodeAnswer, decodeBatch, isBatch, isMalformed } from "../../src/core/decode.ts";
import { FAULTS } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import {
  encode,
  encodeBytes,
  Json,
  type Message,
  type RequestId,
  textOf,
} from "../../src/core/message.ts";
import { anyCharacter } from "../helpers/any-text.ts";

/** What the peer reads: result and error as values, whichever form they are kept in. */
function plain(message: ReturnType<typeof decode>): unknown {
  if (message.kind !== "response") return message;
  const { id, outcome } = message;
  return outcome.ok ? { id, result: outcome.result.value } : { id, error: outcome.error };
}

function problem(text: string): { code: number; id: RequestId | null } {
  const message = decode(text);
  if (!isMalformed(message)) throw new Error(`expected a malformed message, got ${message.kind}`);
  return { code: FAULTS[message.fault.code].rpc, id: message.id };
}

const nasty = fc.oneof(
  fc.string({ unit: anyCharacter }),
  fc.string({ unit: fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", "\n", "\r", "é") }),
  fc.constantFrom('"}', '\\"}', '},"jsonrpc":"2.0","id":7}', '{"result":{', "\u2028", "\ud800"),
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    nasty,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(nasty, tie("value"), { maxKeys: 4 }),
  ),
})).value;
const object = fc.dictionary(nasty, json, { maxKeys: 5 });
const requestId = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.constantFrom(0.5, 1.25e-7));
const long = "x".repeat(LIMITS.answerParseLength);

describe("decode()", () => {
  test("reads back every message that encode() writes", () => {
    const params = fc.option(object, { nil: undefined });
    const message = fc.oneof(
      fc.record({
        kind: fc.constant("request" as const),
        id: requestId,
        method: fc.string(),
        params,
      }),
      fc.record({ kind: fc.constant("notification" as const), method: fc.string(), params }),
      fc.record({
        kind: fc.constant("response" as const),
        id: requestId,
        outcome: object.map((value) => ({ ok: true, result: Json.ofValue(value) }) as const),
      }),
      fc.record({
        kind: fc.constant("response" as const),
        id: fc.option(requestId),
        outcome: fc.record({
          ok: fc.constant(false as const),
          error: fc.record({ code: fc.integer(), message: fc.string(), data: json }),
        }),
      }),
    );
    fc.assert(
      fc.property(message, (sent) => {
        const text = encode(sent);
        expect(encode(decode(text) as Message)).toBe(text);
      }),
    );
  });

  test("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(nasty, fc.json()), (text) => {
        expect(typeof decode(text).kind).toBe("string");
        expect(decodeBatch(text).length).toBeGreaterThan(0);
        expect(typeof decodeAnswer(text).kind).toBe("string");
      }),
    );
  });

  test("tolerates unknown members and null params", () => {
    const text = '{"jsonrpc":"2.0","id":"a","method":"ping","params":null,"trace":[1]}';
    expect(decode(text)).toEqual({ kind: "request", id: "a", method: "ping", params: undefined });
  });

  test.each([
    ["", -32700, null],
    ["{", -32700, null],
    ["hello", -32700, null],
    ["null", -32600, null],
    ['"x"', -32600, null],
    ["[]", -32600, null],
    ['{"id":1,"method":"m"}', -32600, 1],
    ['{"jsonrpc":"1.0","id":1,"method":"m"}', -32600, 1],
    ['{"jsonrpc":"2.0","id":1}', -32600, 1],
    ['{"jsonrpc":"2.0","id":1,"method":7}', -32600, 1],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}', -32600, 1],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":"p"}', -32600, 1],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', -32600, null],
    ['{"jsonrpc":"2.0","id":{},"method":"m"}', -32600, null],
    ['{"jsonrpc":"2.0","id":true,"method":"m"}', -32600, null],
    ['{"jsonrpc":"2.0","result":{}}', -32600, null],
    ['{"jsonrpc":"2.0","id":[],"error":{"code":1,"message":"m"}}', -32600, null],
  ])("answers %s with the right error", (text, code, id) => {
    expect(problem(text)).toEqual({ code, id });
  });

  test("accepts a number as id only when it can be repeated exactly", () => {
    const ask = (id: string) => decode(`{"jsonrpc":"2.0","id":${id},"method":"m","p":{"id":1}}`);
    expect(ask("1.5")).toMatchObject({ kind: "request", id: 1.5 });
    expect(ask("9007199254740992")).toMatchObject({ kind: "request", id: 2 ** 53 });
    expect(ask("9007199254740993")).toMatchObject({ kind: "malformed", id: null });
    expect(ask("1e999")).toMatchObject({ kind: "malformed", id: null });
    expect(ask("-3")).toMatchObject({ kind: "request", id: -3 });
  });

  test("keeps an error as it came and gives a shapeless one a shape", () => {
    const of = (error: string) => plain(decode(`{"jsonrpc":"2.0","id":1,"error":${error}}`));
    expect(of('{"code":-1,"message":"m","hint":"h"}')).toEqual({
      id: 1,
      error: { code: -1, message: "m", hint: "h" } as never,
    });
    expect(of('"broken"')).toMatchObject({ id: 1, error: { code: -32603, data: "broken" } });
    expect(of('null,"result":{}')).toEqual({ id: 1, result: {} });
  });
});

describe("decodeBatch()", () => {
  test("splits a batch and keeps its broken members apart", () => {
    const text = '[{"jsonrpc":"2.0","id":1,"method":"a"}, 7, {"jsonrpc":"2.0","method":"b"}]';
    const kinds = decodeBatch(text).map((message) => message.kind);
    expect(kinds).toEqual(["request", "malformed", "notification"]);
    expect(isBatch(`\n ${text}`)).toBe(true);
  });

  test("takes one message as a batch of one and refuses an empty one", () => {
    expect(decodeBatch('{"jsonrpc":"2.0","method":"b"}')).toHaveLength(1);
    expect(decodeBatch("[]")).toMatchObject([{ kind: "malformed", id: null }]);
    expect(isBatch('{"a":[]}')).toBe(false);
  });

  test("refuses a rounded id", () => {
    const text = '[{"jsonrpc":"2.0","id":9007199254740993,"method":"a"}]';
    expect(decodeBatch(text)).toMatchObject([{ kind: "malformed" }]);
  });
});

describe("decodeAnswer()", () => {
  const envelopes = [
    (id: number, result: string) => `{"jsonrpc":"2.0","id":${id},"result":${result}}`,
    (id: number, result: string) => `{"result":${result},"jsonrpc":"2.0","id":${id}}`,
    (id: number, result: string) => `{"id":${id},"result":${result},"jsonrpc":"2.0"}`,
    (id: number, result: string) => `{"jsonrpc":"2.0","id":${id},"result":${result},"id":3}`,
    (id: number, result: string) => `{"result":${result},"result":{},"jsonrpc":"2.0","id":${id}}`,
    (id: number, result: string) => ` {"jsonrpc": "2.0", "id": ${id}, "result": ${result}}\r`,
  ];

  test("agrees with a full parse on long answers of any content", () => {
    const result = object.map((value) => JSON.stringify({ ...value, long }));
    const envelope = fc.constantFrom(...envelopes);
    fc.assert(
      fc.property(result, fc.nat(), envelope, (text, id, wrap) => {
        const line = wrap(id, text);
        expect(plain(decodeAnswer(line))).toEqual(plain(decode(line)));
        const bytes = new TextEncoder().encode(line);
        expect(plain(decodeAnswer(bytes))).toEqual(plain(decode(line.toWellFormed())));
      }),
    );
  });

  test("keeps the result of a usual envelope as the text it came in", () => {
    const result = `{ "n": 1.0, "long" :"${long}\\"}"}`;
    for (const wrap of envelopes.slice(0, 2)) {
      const answer = decodeAnswer(wrap(5, result));
      if (answer.kind !== "response" || !answer.outcome.ok) throw new Error("no result");
      expect(answer.id).toBe(5);
      expect(answer.outcome.result.text).toBe(result);
    }
  });

  test("keeps the result of a usual envelope as the bytes it came in, and writes them again", () => {
    const result = `{ "n": 1.0, "long" :"${long}\\"}ä€😀\\\\"}`;
    for (const wrap of envelopes.slice(0, 2)) {
      const answer = decodeAnswer(new TextEncoder().encode(wrap(5, result)));
      if (answer.kind !== "response" || !answer.outcome.ok) throw new Error("no result");
      expect(answer.id).toBe(5);
      const { bytes, text, length } = answer.outcome.result;
      if (bytes === undefined) throw new Error("no bytes");
      expect(text).toBe(result);
      expect(length).toBe(Buffer.byteLength(result));
      const written = textOf(encodeBytes("a", bytes));
      expect(written).toBe(`{"jsonrpc":"2.0","id":"a","result":${result}}`);
    }
  });

  test("finds a long line that is cut off or followed by something", () => {
    for (const wrap of envelopes.slice(0, 2)) {
      const line = wrap(5, `{"long":"${long}"}`);
      expect(decodeAnswer(line.slice(0, -1))).toMatchObject({ kind: "malformed" });
      expect(decodeAnswer(line.slice(0, -3))).toMatchObject({ kind: "malformed" });
      expect(decodeAnswer(`${line}}`)).toMatchObject({ kind: "malformed" });
      expect(decodeAnswer(`${line}{}`)).toMatchObject({ kind: "malformed" });
    }
  });

  test("reads long requests and notifications of an upstream as well", () => {
    const line = `{"jsonrpc":"2.0","id":"r","method":"roots/list","params":{"long":"${long}"}}`;
    expect(decodeAnswer(line)).toMatchObject({ kind: "request", id: "r", params: { long } });
  });
});
