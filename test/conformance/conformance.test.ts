import { expect, test } from "bun:test";

import { CASES, report, score } from "../../scripts/conformance.ts";

/** The others take longer: `bun run conformance` runs them all. */
const HERE = ["direct", "legacy"];
const cases = CASES.filter(
  ({ target, revision }) => HERE.includes(target) && revision === "2025-11-25",
);

test.each(cases.map((one) => [one.target, one.revision, one] as const))(
  "the official suite scores its floor: %s %s",
  async (_target, _revision, one) => {
    const result = await score(one);
    expect(result.total).toBe(30);
    // With what fails in the message.
    expect(result.passed < result.floor ? report(result) : "").toBe("");
  },
);
