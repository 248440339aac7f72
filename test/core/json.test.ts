import { describe, expect, test } from "bun:test";

import { decode, decodeAnswer, isMalformed } from "../../src/core/decode.ts";
import { parseJson } from "../../src/core/json.ts";
import { encode, Json } from "../../src/core/message.ts";

/** What goes on to the other side. */
function sent(message: ReturnType<typeof decode>): string {
  if (isMalformed(message)) throw new Error(message.fault.text);
  return encode(message);
}

describe("parseJson()", () => {
  test.each([
    '{"id":1234567890123456789}',
    "[9007199254740993,-9007199254740993,12345678901234567890]",
    '{"huge":[1e1000,1E+0400,100000000000000e295]}',
    '{"pi":3.141592653589793238462643,"huge":1e400}',
    '{"__proto__":{"id":9007199254740993}}',
    '"1234567890123456789"',
  ])("keeps the meaning of %s", (text) => {
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test("leaves numbers that a double holds as numbers", () => {
    const text = '{"a":9007199254740991,"b":0.30000000000000004,"d":"1234567890123456"}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test("refuses what nests too deep to be written back", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(JSON.stringify(parseJson(nested(4_096)))).toBe(nested(4_096));
    expect(() => parseJson(nested(4_097))).toThrow(SyntaxError);
    expect(() => parseJson(nested(1_000_000))).toThrow(SyntaxError);
  });

  test("does not take brackets in strings for nesting", () => {
    const value = ['\\["'.repeat(10_000), "[".repeat(10_000)];
    expect(parseJson(JSON.stringify(value))).toEqual(value);
  });
});

describe("a message on its way", () => {
  test("keeps a 64-bit number of a client's arguments", () => {
    const text =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"id":1234567890123456789}}';
    expect(sent(decode(text))).toBe(text);
  });

  test("keeps a 64-bit number of a short result", () => {
    const text = '{"jsonrpc":"2.0","id":1,"result":{"id":1234567890123456789}}';
    expect(sent(decodeAnswer(text))).toBe(text);
  });
});

test("Json.value is undefined for a text that is no JSON, and the text stays as it came", () => {
  const json = Json.ofText('{"tools":[oops]}');
  expect(json.value).toBeUndefined();
  expect(encode({ kind: "response", id: 1, outcome: { ok: true, result: json } })).toBe(
    '{"jsonrpc":"2.0","id":1,"result":{"tools":[oops]}}',
  );
});
