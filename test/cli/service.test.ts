import { expect, test } from "bun:test";

import { specOf } from "../../src/cli/service.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import type { Platform } from "../../src/platform/platform.ts";

const SERVICES: readonly (readonly [Platform["name"], string])[] = [
  ["linux", "bootstrap"],
  // What it prints goes to the log that it writes itself.
  ["darwin", "bootstrap --service --quiet"],
  ["windows", "bootstrap --service"],
];

test.each(SERVICES)("the service of %s runs %s", async (name, words) => {
  const here = pickPlatform({ HOME: "/home/me" });
  const platform: Platform = { ...here, name, loginPath: async () => "/usr/bin" };
  const spec = await specOf(platform, undefined, "/opt/mcpd");
  expect([spec.program, spec.arguments.join(" ")]).toEqual(["/opt/mcpd", words]);
});
