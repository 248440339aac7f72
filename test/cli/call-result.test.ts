import { expect, test } from "bun:test";

import { readResult } from "../../src/cli/call-result.ts";

test("readResult() joins texts and describes what is no text", () => {
  const data = Buffer.from("1234567890").toString("base64");
  const { text, binaries } = readResult({
    content: [
      { type: "text", text: "hello" },
      { type: "image", mimeType: "image/png", data },
      { type: "resource", resource: { uri: "x://1", text: "inside\n" } },
      { type: "resource", resource: { uri: "x://2", blob: data, mimeType: "audio/wav" } },
      { type: "resource_link", uri: "x://3" },
      { type: "strange", value: 1 },
    ],
  });
  expect(text.split("\n")).toEqual([
    "hello",
    "[image image/png, 10 B; save it with --output FILE]",
    "inside",
    "[resource audio/wav, 10 B; save it with --output FILE]",
    "[resource x://3]",
    '[strange: {"type":"strange","value":1}]',
    "",
  ]);
  expect(binaries.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
    "1234567890",
    "1234567890",
  ]);
});

test("readResult() shows structured content where there is nothing else", () => {
  expect(readResult({ structuredContent: { a: 1 } }).text).toBe('{\n  "a": 1\n}\n');
  expect(readResult({ content: [{ type: "text", text: "a" }], structuredContent: {} }).text).toBe(
    "a\n",
  );
  expect(readResult({}).text).toBe("");
});
