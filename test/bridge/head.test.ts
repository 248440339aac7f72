import { expect, test } from "bun:test";

import fc from "fast-check";

import { headOf } from "../../src/bridge/head.ts";
import { fault } from "../../src/core/fault.ts";
import { encode, faultResponse, resultResponse } from "../../src/core/message.ts";
import { anyCharacter } from "../helpers/any-text.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("headOf() reads kind, id and method of whatever the daemon writes", () => {
  const id = fc.oneof(fc.integer(), fc.string({ unit: anyCharacter }), fc.double({ noNaN: true }));
  const method = fc.string({ minLength: 1, unit: anyCharacter });
  fc.assert(
    fc.property(id, method, (anyId, anyMethod) => {
      if (anyId === Infinity || anyId === -Infinity) return;
      const key = JSON.stringify(anyId);
      const heads = [
        encode(resultResponse(anyId, { method: "no" })),
        encode(faultResponse(anyId, fault("internal"))),
        encode({ kind: "request", id: anyId, method: anyMethod, params: { id: 7 } }),
        encode({ kind: "notification", method: anyMethod, params: undefined }),
      ].map((text) => headOf(bytes(text)));
      expect(heads).toEqual([
        { kind: "response", id: key, method: null },
        { kind: "response", id: key, method: null },
        { kind: "request", id: key, method: anyMethod },
        { kind: "notification", id: null, method: anyMethod },
      ]);
    }),
  );
});

test("headOf() reads a line that is written in another way", () => {
  const lines = [
    '{"result":{"id":3},"id":4,"jsonrpc":"2.0"}',
    ' { "jsonrpc": "2.0", "method": "a/b", "id": "x" }',
    `{"jsonrpc":"2.0","id":"${"long".repeat(100)}","result":{}}`,
  ];
  expect(lines.map((line) => headOf(bytes(line)))).toEqual([
    { kind: "response", id: "4", method: null },
    { kind: "request", id: '"x"', method: "a/b" },
    { kind: "response", id: JSON.stringify("long".repeat(100)), method: null },
  ]);
});

test("headOf() lets pass what is no message at all", () => {
  expect(headOf(bytes("half a lin"))).toEqual({ kind: "notification", id: null, method: null });
});
