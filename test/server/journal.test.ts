import { expect, test } from "bun:test";

import type { Log } from "../../src/lib/log.ts";
import { Journal } from "../../src/server/journal.ts";
import { Metrics } from "../../src/server/metrics.ts";

test("what clients and servers name is cut in the log, however long it is", () => {
  const lines: string[] = [];
  const note = (text: string, fields?: object): void => {
    lines.push(text + JSON.stringify(fields));
  };
  const log: Log = {
    debug: note,
    info: note,
    warning: note,
    error: note,
    enabled: () => true,
    child: () => log,
  };
  const empty = { entries: 0, bytes: 0 };
  const results = () => ({ memory: empty, disk: empty });
  const metrics = new Metrics({ connections: () => 0, instances: () => [], results });
  const journal = new Journal(log, metrics);
  const long = "x".repeat(1_000_000);
  journal.oddity("files", `answered "${long}"`);
  journal.record({
    upstream: "files",
    sessionId: "session-1",
    client: long,
    method: long,
    target: long,
    outcome: "error",
    durationMs: 1,
    resultLength: 0,
    reuse: "none",
  });
  expect(lines.map(({ length }) => length < 1_200)).toEqual([true, true]);
  expect(lines[0]).toContain("…");
});
