import { describe, expect, test } from "bun:test";

import { maskText, maskWords } from "../../src/lib/secret.ts";

const SECRETS: readonly (readonly string[])[] = [
  ["--api-key=s3cret-value"],
  ["--api-key", "s3cret-value"],
  ["-token", "s3cret-value"],
  ["-e", "GITHUB_TOKEN=s3cret-value"],
  ["--header", "Authorization: Bearer s3cret-value"],
  ["postgres://bob:s3cret-value@db/main"],
  ["--url=https://bob:s3cret-value@example.com/x"],
  ["https://example.com/mcp?x=1&api_key=s3cret-value"],
  ["--key", "s3cret-value-1"],
  ["-H", "X-Functions-Key: s3cret-value-1"],
  ["--url=https://example.com/mcp?key=s3cret-value-1"],
];

const HARMLESS: readonly (readonly string[])[] = [
  ["-y", "@scope/package@1.2.3", "/tmp/token"],
  ["--api-key", "${API_KEY}", "--api-key=${API_KEY}"],
  ["--token", "--verbose"],
  ["--max-tokens", "4096"],
  ["--password-file", "/run/secret"],
  ["https://${USER}:${PASSWORD}@example.com/?page=2"],
  ["ssh://git@example.com/x", "--sort-key", "created_at", "--key", "/etc/key-1.pem"],
];

describe("what people see of arguments", () => {
  test.each(SECRETS.map((words) => [words]))("%p hides the secret", (words) => {
    const shown = maskWords(words).join(" ");
    expect(shown).not.toContain("s3cret");
    expect(shown).toContain("***");
  });

  test.each(HARMLESS.map((words) => [words]))("%p is shown as it is", (words) => {
    expect(maskWords(words)).toEqual(words);
  });
});

describe("what people see of the file", () => {
  test.each(SECRETS.map((words) => [words]))("%p hides the secret, each as wide", (args) => {
    for (const indent of [0, 2]) {
      const text = JSON.stringify({ mcpServers: { a: { command: "x", args } } }, null, indent);
      const shown = maskText(text);
      expect(shown).not.toContain("s3cret");
      expect(shown.split("\n").map(({ length }) => length)).toEqual(
        text.split("\n").map(({ length }) => length),
      );
    }
  });

  test.each(HARMLESS.map((words) => [words]))("%p is shown as it is", (args) => {
    const text = JSON.stringify({ args }, null, 2);
    expect(maskText(text)).toBe(text);
  });

  test("hides the queries of several urls", () => {
    const text = `{ "urls": ["https://a.com/?k=s3cret", "https://b.com", "https://c.com/?x=s3cret"] }`;
    expect(maskText(text)).not.toContain("s3cret");
    expect(maskText(text).length).toBe(text.length);
  });

  test("hides variables, headers, and the user and query of a url", () => {
    const text = `{ "url": "https://bob:s3cret@e.com/?k=s3cret", "headers": { "X-API-Key": "s3cret" },
      // "MY_TOKEN": "s3cret",
      "tools": { "deny": ["read_token", "write"] } }`;
    expect(maskText(text)).toBe(
      text
        .replace("bob:s3cret", "**********")
        .replace("k=s3cret", "********")
        .replaceAll("s3cret", "******"),
    );
  });
});
