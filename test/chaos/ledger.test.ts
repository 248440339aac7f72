import { expect, test } from "bun:test";

import { Ledger, type Outcome } from "../../scripts/chaos/ledger.ts";
import { outcomeOfError } from "../../scripts/chaos/outcome.ts";

const told = (kind: Outcome["kind"]): Outcome => ({ kind, why: "a reason" });

/** What the ledger says of one write that was told `kind` and journaled so many times. */
function violationsOf(kind: Outcome["kind"] | null, times: number): readonly string[] {
  const ledger = new Ledger();
  ledger.begin("w1", "near");
  if (kind !== null) ledger.settle("w1", told(kind));
  const journal = Array.from({ length: times }, () => "w1");
  return ledger.verdict(new Map([["near", journal]])).violations;
}

test.each([
  ["done", 1],
  ["unknown", 0],
  ["unknown", 1],
  ["refused", 0],
] as const)("a write that is %s may be carried out %d times", (kind, times) => {
  expect(violationsOf(kind, times)).toEqual([]);
});

test.each([
  ["done", 0, "w1 is done, yet not journaled"],
  ["done", 2, "w1 was carried out 2 times (done)"],
  ["unknown", 2, "w1 was carried out 2 times (unknown)"],
  ["refused", 1, "w1 was refused (a reason), yet carried out"],
  [null, 1, "w1 was never answered"],
] as const)("a write that is %s must not be carried out %d times", (kind, times, text) => {
  expect(violationsOf(kind, times)).toEqual([text]);
});

test("a write counts in the journal of its own upstream, and strangers are told", () => {
  const ledger = new Ledger();
  ledger.begin("w1", "near");
  ledger.settle("w1", told("refused"));
  ledger.settle("w1", told("done"));
  const { violations } = ledger.verdict(new Map([["far", ["w1"]]]));
  expect(violations).toEqual([
    "w1 was answered twice",
    "far w1 was carried out, and nobody sent it",
  ]);
});

test("the verdict counts what became of the unknown", () => {
  const ledger = new Ledger();
  for (const id of ["w1", "w2", "w3"]) {
    ledger.begin(id, "near");
    ledger.settle(id, told("unknown"));
  }
  ledger.read(told("done"));
  const verdict = ledger.verdict(new Map([["near", ["w2"]]]));
  expect(verdict).toMatchObject({ writes: 3, reads: 1, unknown: { carriedOut: 1, not: 2 } });
  expect(verdict.reasons).toEqual({ "write unknown: a reason": 3, "read done: a reason": 1 });
});

test.each([
  [{ code: -32603, data: { fault: "upstream.lost" } }, "unknown"],
  [{ code: -32001, data: { fault: "exchange.timed-out" } }, "unknown"],
  [{ code: -32603, data: { fault: "upstream.unreachable" } }, "refused"],
  [{ code: 503, message: 'HTTP 503: {"data":{"fault":"upstream.busy"}}' }, "refused"],
  [{ code: -32001 }, "unknown"],
  [{ code: "ECONNRESET" }, "unknown"],
  [{ message: "fetch failed", cause: { code: "ECONNREFUSED" } }, "refused"],
] as const)("the error %j says that a write is %s", (error, kind) => {
  expect(outcomeOfError(error).kind).toBe(kind);
});
