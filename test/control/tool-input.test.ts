import { expect, test } from "bun:test";

import { checkInput, textsWhereWanted } from "../../src/control/tool-input.ts";

const SCHEMA = {
  type: "object",
  properties: {
    path: { type: "string" },
    limit: { type: "integer", minimum: 1 },
    mode: { enum: ["fast", "slow"] },
    edits: {
      type: "array",
      items: { type: "object", properties: { line: { type: "number" } }, required: ["line"] },
    },
  },
  required: ["path"],
  additionalProperties: false,
};

test.each([
  [{ path: "/x", limit: 3, mode: "fast", edits: [{ line: 1 }] }, []],
  [{}, ["/path: is missing"]],
  [{ path: 7 }, ["/path: expected string, got number"]],
  [{ path: "/x", edits: [{ line: 1 }, {}] }, ["/edits/1/line: is missing"]],
  [{ path: "/x", edits: [{ line: "1" }] }, ["/edits/0/line: expected number, got string"]],
  [{ path: "/x", pth: 1 }, ["/pth: is not allowed"]],
  [{ path: "/x", mode: "huge" }, ['/mode: Instance does not match any of ["fast","slow"]']],
  [{ path: "/x", limit: 0 }, ["/limit: 0 is less than 1"]],
  [{ limit: "many" }, ["/path: is missing", "/limit: expected integer, got string"]],
])("checkInput() of %j names the path of what is wrong", (input, problems) => {
  const problem = checkInput("edit", SCHEMA, input);
  expect(problem?.data?.["problems"] ?? []).toEqual(problems);
  if (problems.length > 0) {
    expect(problem?.code).toBe("params.invalid");
    expect(problem?.text).toBe(`The arguments do not fit "edit": ${problems.join("; ")}`);
  }
});

test("checkInput() lets everything through where the schema says nothing or is none", () => {
  for (const schema of [undefined, null, true, {}, { $ref: "#/nowhere" }]) {
    expect([schema, checkInput("any", schema, { a: 1 })]).toEqual([schema, null]);
  }
});

test("checkInput() knows the draft a schema names", () => {
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    definitions: { count: { type: "number" } },
    properties: { n: { $ref: "#/definitions/count" } },
  };
  expect(checkInput("any", schema, { n: 1 })).toBeNull();
  expect(checkInput("any", schema, { n: "1" })?.text).toContain("/n: expected number, got string");
});

test("checkInput() leaves the schema as it is", () => {
  const schema = Object.freeze({ type: "object", properties: Object.freeze({ a: {} }) });
  expect(checkInput("any", schema, { a: 1 })).toBeNull();
  expect(JSON.stringify(schema)).toBe('{"type":"object","properties":{"a":{}}}');
});

test("checkInput() does not tell more than anybody reads", () => {
  const properties = Object.fromEntries(
    "abcdefgh".split("").map((name) => [name, { type: "string" }]),
  );
  const input = Object.fromEntries("abcdefgh".split("").map((name) => [name, 1]));
  const problem = checkInput("many", { properties }, input);
  expect(problem?.text).toEndWith("(and 3 more)");
  expect(problem?.data?.["problems"]).toHaveLength(8);
});

test("textsWhereWanted() takes the text where the schema wants one", () => {
  const texts = { path: "7", limit: "7" };
  expect(textsWhereWanted(SCHEMA, { path: 7, limit: 7 }, texts)).toEqual({ path: "7", limit: 7 });
  expect(textsWhereWanted(SCHEMA, { limit: 7 }, texts)).toEqual({ limit: 7 });
  expect(textsWhereWanted(undefined, { path: 7 }, texts)).toEqual({ path: 7 });
});
