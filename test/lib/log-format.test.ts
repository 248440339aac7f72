import { expect, test } from "bun:test";

import { formatJson, formatText, type LogEntry, oneLine } from "../../src/lib/log-format.ts";

const ENTRY: LogEntry = {
  atMs: Date.UTC(2025, 11, 25, 10, 30, 0, 123),
  logger: "mcpd.server",
  level: "INFO",
  text: "upstream ready",
  fields: { upstream: "fs", ms: 12, none: undefined },
};

test("formatText() writes the documented line", () => {
  // test/setup.ts sets the zone to UTC.
  expect(formatText(ENTRY)).toBe(
    "2025-12-25 10:30:00,123 - mcpd.server - INFO - upstream ready upstream=fs ms=12",
  );
});

test("formatText() takes the offset of local time from who knows it", () => {
  expect(formatText(ENTRY, -11 * 3_600_000)).toStartWith("2025-12-24 23:30:00,123 - mcpd.server");
});

test("formatText() quotes values that would read as two", () => {
  const line = formatText({ ...ENTRY, fields: { a: "two words", b: "", c: 'x"y' } });
  expect(line).toEndWith('upstream ready a="two words" b="" c="x\\"y"');
});

test("formatJson() writes one object per line", () => {
  expect(JSON.parse(formatJson(ENTRY))).toEqual({
    ts: "2025-12-25T10:30:00.123Z",
    logger: "mcpd.server",
    level: "INFO",
    message: "upstream ready",
    fields: { upstream: "fs", ms: 12 },
  });
});

test("neither format lets a message forge a second line or drive a terminal", () => {
  const evil = { ...ENTRY, text: "a\nb\r\u001b[31mc\u2028d", fields: { x: "1\n2" } };
  for (const line of [formatText(evil), formatJson({ ...evil, text: "a\nb\u001b" })]) {
    // oxlint-disable-next-line no-control-regex -- they are what must be gone
    expect(line).not.toMatch(/[\u0000-\u001f\u2028]/);
  }
  expect(oneLine("a\nb\u001b")).toBe("a\\nb\\u001b");
});

test("what others make too long is cut", () => {
  const long = "x".repeat(1_000_000);
  const entry = { ...ENTRY, text: long, fields: { target: long } };
  for (const line of [formatText(entry), formatJson(entry)]) {
    expect(line.length).toBeLessThan(10_000);
    expect(line.match(/xx \(cut\)/g)).toHaveLength(2);
  }
});

test("values whose key speaks of a secret are not shown", () => {
  const fields = {
    GITHUB_TOKEN: "t1",
    password: "t2",
    Authorization: "t3",
    api_key: "t4",
    tokens: 5,
  };
  const line = formatText({ ...ENTRY, fields });
  expect(line).not.toMatch(/t\d/);
  expect(line).toContain("GITHUB_TOKEN=[redacted]");
  expect(line).toContain("tokens=5");
  expect(formatJson({ ...ENTRY, fields })).not.toMatch(/"t\d"/);
});
