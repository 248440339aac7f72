import { expect, test } from "bun:test";

import { report, score } from "../../scripts/conformance.ts";

// What the other targets and the other revision come to, `bun run conformance` shows.
test.each(["direct", "legacy"] as const)(
  "the official suite for 2025-11-25 scores its floor: %s",
  async (target) => {
    const result = await score(target, "2025-11-25");
    expect(result.total).toBe(30);
    // With what fails in the message.
    expect(result.passed < result.floor ? report(result) : "").toBe("");
  },
);
