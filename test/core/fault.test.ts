import { expect, test } from "bun:test";

import { fault, type FaultCode, FAULTS, hintOf } from "../../src/core/fault.ts";
import { faultOf, rpcError } from "../../src/core/message.ts";

const codes = Object.keys(FAULTS) as FaultCode[];

test.each(codes)("%s can be told and read back", (code) => {
  const problem = fault(code, "It failed: the state", "subject");
  expect(FAULTS[code].exit).toBeGreaterThan(0);
  expect(FAULTS[code].exit).toBeLessThan(256);
  expect(hintOf(problem)).not.toContain("{");
  expect(FAULTS[code].title).not.toEndWith(".");
  expect(faultOf(rpcError(problem))).toEqual(problem);
});

test("faultOf() leaves the errors of others alone", () => {
  expect(faultOf({ code: -32602, message: "no", data: { fault: "toString" } })).toBeNull();
  expect(faultOf({ code: -32602, message: "no", data: "text" })).toBeNull();
  expect(faultOf({ code: -32602, message: "no" })).toBeNull();
});
