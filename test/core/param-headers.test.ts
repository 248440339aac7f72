import { describe, expect, test } from "bun:test";

import { listingOf } from "../../src/core/listing.ts";
import { paramHeadersOf, paramMismatch } from "../../src/core/param-headers.ts";

const REGION = { type: "string", "x-mcp-header": "Region" };
const SCHEMA = {
  type: "object",
  properties: {
    region: REGION,
    page: { type: "object", properties: { size: { type: "integer", "x-mcp-header": "Size" } } },
    plain: { type: "string", default: { "x-mcp-header": "is data here" } },
    "x-mcp-header": { type: "string" },
  },
};

describe("paramHeadersOf()", () => {
  test("finds the arguments that are repeated, at any depth", () => {
    expect(paramHeadersOf(SCHEMA)).toEqual([
      { name: "Region", path: ["region"], type: "string" },
      { name: "Size", path: ["page", "size"], type: "integer" },
    ]);
    expect(paramHeadersOf(undefined)).toEqual([]);
    expect(paramHeadersOf({ type: "object", properties: null })).toEqual([]);
  });

  test.each([
    ["without a name", { a: { ...REGION, "x-mcp-header": "" } }],
    ["with a name that is no text", { a: { ...REGION, "x-mcp-header": 1 } }],
    ["with a name that no header can have", { a: { ...REGION, "x-mcp-header": "My Region" } }],
    ["on a number", { a: { ...REGION, type: "number" } }],
    ["on an object", { a: { ...REGION, type: "object" } }],
    ["twice, whatever the case", { a: REGION, b: { ...REGION, "x-mcp-header": "REGION" } }],
    ["in the items of a list", { a: { type: "array", items: REGION } }],
    ["in one of several forms", { a: { oneOf: [{ properties: { b: REGION } }] } }],
  ])("takes no schema that asks for a header %s", (_how, properties) => {
    expect(paramHeadersOf({ type: "object", properties })).toBeNull();
  });

  test("takes no schema that asks for a header of all arguments, or in its definitions", () => {
    expect(paramHeadersOf({ ...REGION })).toBeNull();
    expect(paramHeadersOf({ type: "object", $defs: { region: REGION } })).toBeNull();
  });
});

describe("paramMismatch()", () => {
  const wanted = paramHeadersOf(SCHEMA) ?? [];
  const wrong = (args: unknown, given: { readonly [name: string]: string | null }) =>
    paramMismatch(wanted, args, new Map(Object.entries(given)))?.name;

  test("names the header that is missing, says something else, or cannot be read", () => {
    expect(wrong({ region: "north" }, {})).toBe("Region");
    expect(wrong({ region: "north" }, { region: "south" })).toBe("Region");
    expect(wrong({ region: "north" }, { region: null })).toBe("Region");
    expect(wrong({ region: "north" }, { region: "north" })).toBeUndefined();
  });

  test("compares integers as numbers", () => {
    expect(wrong({ page: { size: 42 } }, { size: "42.0" })).toBeUndefined();
    expect(wrong({ page: { size: 42 } }, { size: "43" })).toBe("Size");
    expect(wrong({ page: { size: 0 } }, { size: "" })).toBe("Size");
  });

  test("wants none for an argument that is not there, or that no header can hold", () => {
    expect(wrong({ region: null, page: 1 }, {})).toBeUndefined();
    expect(wrong({ region: ["north"], page: { size: 2 ** 60 } }, {})).toBeUndefined();
    expect(wrong(undefined, { region: "north" })).toBeUndefined();
  });
});

test("a listing knows the headers of its tools, except of invalid ones", () => {
  const bad = { properties: { a: { type: "number", "x-mcp-header": "A" } } };
  const { paramHeaders } = listingOf([
    { name: "good", inputSchema: SCHEMA },
    { name: "bad", inputSchema: bad },
    { name: "plain", inputSchema: {} },
  ]);
  expect([...paramHeaders.keys()]).toEqual(["good"]);
});
