import { expect, test } from "bun:test";

import { notices } from "../../build/notices.ts";
import manifest from "../../package.json" with { type: "json" };

/** Of the dependencies, what the program itself does not use: scripts do, or another package. */
const NOT_BUNDLED = ["@modelcontextprotocol/sdk"];

test("every package in the executable has the words of its licence in the notices", async () => {
  const text = await notices();
  const [, runtime = "", ...packages] = text.split(/^-{80}$/m);
  expect(runtime).toContain(`Bun ${manifest.engines.bun}`);
  expect(runtime).toContain("JavaScriptCore");
  const named = new Map(
    packages.map((part) => {
      const [, name = "", words = ""] = /^\s*(\S+) \S+ \([^)]+\)\n([\s\S]+)$/.exec(part) ?? [];
      return [name, words.trim().length];
    }),
  );
  for (const name of Object.keys(manifest.dependencies)) {
    if (!NOT_BUNDLED.includes(name)) expect([...named.keys()]).toContain(name);
  }
  for (const [name, letters] of named) expect([name, letters > 500]).toEqual([name, true]);
  expect(text).toContain("Copyright (c) Jeremy Danyow");
});
