import { expect, test } from "bun:test";

import { shownReach } from "../../src/config/shown.ts";

test("people see neither user nor query of a url", () => {
  const url = "https://bob:s3cret@example.com/mcp?key=s3cret";
  const shown = shownReach({ kind: "remote", wire: "http", url, headers: {} });
  expect(shown).toBe("https://example.com/mcp?...");
});
