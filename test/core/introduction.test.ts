import { expect, test } from "bun:test";

import { readDiscovery } from "../../src/core/introduction.ts";

const refused = (code: number, data?: unknown) =>
  readDiscovery("far", { ok: false, error: { code, message: "no", data } });

test("readDiscovery() knows a server of 2026-07-28 by errors that only such a one has", () => {
  for (const answer of [
    refused(-32020),
    refused(-32021, { requiredCapabilities: { sampling: {} } }),
    refused(-32022, { supported: ["2026-07-28"] }),
  ]) {
    expect(answer).toMatchObject({ protocolVersion: "2026-07-28" });
  }
});

test("readDiscovery() has a fault for every other error", () => {
  for (const answer of [
    refused(-32601),
    refused(-32000, "no session"),
    refused(-32022, { supported: ["2027-01-01"] }),
  ]) {
    expect(answer).toMatchObject({ code: "upstream.broken-answer" });
  }
});
