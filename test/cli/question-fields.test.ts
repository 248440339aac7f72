import { expect, test } from "bun:test";

import { type Field, fieldsOf, problemWith, typedValue } from "../../src/cli/question-fields.ts";

/** The only field of a form. */
function field(property: object, required = false): Field {
  const [only] = fieldsOf({
    type: "object",
    properties: { it: property },
    required: required ? ["it"] : [],
  });
  if (only === undefined) throw new Error("no field");
  return only;
}

test("fieldsOf() says what each field is for and whether it may be left out", () => {
  const properties = {
    name: { type: "string", title: "Your name", description: "as in the passport" },
    age: { type: "integer" },
    nonsense: 7,
  };
  const fields = fieldsOf({ type: "object", properties, required: ["age"] });
  expect(fields.map(({ name, label }) => [name, label])).toEqual([
    ["name", "Your name: as in the passport (optional)"],
    ["age", "age"],
  ]);
  expect(fieldsOf({ type: "object", properties: { a: { title: "\u001b]0;x\u0007" } } })).toEqual([
    expect.objectContaining({ label: "\\e]0;x\\x07 (optional)" }),
  ]);
  expect(field({ type: "string", default: "\u001b[8mx" })).toMatchObject({ initial: "\\e[8mx" });
  expect([fieldsOf(undefined), fieldsOf({ properties: null })]).toEqual([[], []]);
});

test.each<[property: object, hint: string]>([
  [{ type: "string" }, ""],
  [{ type: "string", format: "email" }, "email"],
  [{ type: "string", minLength: 2, maxLength: 5 }, "from 2 to 5 characters"],
  [{ type: "number", maximum: 9.5 }, "number, to 9.5"],
  [{ type: "array", items: {} }, "array"],
  [{ type: "integer", minimum: 0, maximum: 10 }, "integer, from 0 to 10"],
])("a field of %j is typed, with the hint %j", (property, hint) => {
  expect(field(property)).toMatchObject({ kind: "text", hint });
});

const A_AND_B = [
  { value: "a", label: "A" },
  { value: "b", label: "B" },
];
const TITLED = [
  { const: "a", title: "A" },
  { const: "b", title: "B" },
];

test.each<[property: object, kind: string, options: unknown]>([
  [{ type: "string", enum: ["a"] }, "one", [{ value: "a", label: "a" }]],
  [{ type: "string", enum: ["a", "b"], enumNames: ["A", "B"] }, "one", A_AND_B],
  [{ type: "string", oneOf: TITLED }, "one", A_AND_B],
  [{ type: "array", items: { anyOf: TITLED } }, "many", A_AND_B],
  [{ type: "array", items: { enum: [1] } }, "many", [{ value: 1, label: "1" }]],
  [
    { type: "boolean" },
    "one",
    [
      { value: true, label: "Yes" },
      { value: false, label: "No" },
    ],
  ],
])("a field of %j is chosen: %s", (property, kind, options) => {
  expect(field(property)).toMatchObject({ kind, options });
});

test.each<[property: object, required: boolean, typed: string, value: unknown]>([
  [{ type: "string" }, false, "", undefined],
  [{ type: "string" }, true, "", ""],
  [{ type: "string" }, true, "7", "7"],
  [{ type: "integer" }, true, " 7 ", 7],
  [{ type: "number" }, false, "1e3", 1000],
  [{ type: "number" }, false, "many", "many"],
  [{ type: "number" }, true, "", ""],
])("what is typed into a field of %j (required: %p), %j, is %p", (property, must, typed, value) => {
  expect(typedValue(field(property, must), typed)).toBe(value as string);
});

test.each<[property: object, value: unknown, problem: RegExp | undefined]>([
  [{ type: "string", format: "email" }, "a@b.example", undefined],
  [{ type: "string", format: "email" }, "nobody", /format "email"/],
  [{ type: "string", format: "date" }, "2026-02-30", /format "date"/],
  [{ type: "string", minLength: 3 }, "ab", /short/],
  [{ type: "string" }, "", /has to be filled in/],
  [{ type: "string", enum: ["\u009b2J"] }, "y", /\["\\x9b2J"\]$/],
  [{ type: "integer", minimum: 1 }, 0, /^0 is less than/],
  [{ type: "integer" }, 1.5, /^expected integer, got number$/],
  [{ type: "number" }, "many", /^expected number, got string$/],
  [{ type: "array", maxItems: 1, items: { type: "string" } }, ["a", "b"], /too many/],
])("a field of %j takes %j: %p", (property, value, problem) => {
  const found = problemWith(field(property, true), value);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});

test("a field that may be left out is", () => {
  expect(problemWith(field({ type: "string", minLength: 3 }), undefined)).toBeUndefined();
});
