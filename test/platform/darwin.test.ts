import { expect } from "bun:test";
import { join } from "node:path";

import { posixTest } from "../helpers/posix.ts";
import { ROOT } from "../helpers/sources.ts";

/** What a process of this zone takes for the start of ours. */
function identityIn(zone: string): string {
  const file = JSON.stringify(join(ROOT, "src", "platform", "darwin.ts"));
  const script = `
    const { darwinPlatform } = await import(${file});
    console.log(await darwinPlatform(process.env).processIdentity(${process.pid}));
  `;
  const env = { ...process.env, TZ: zone };
  return Bun.spawnSync([process.execPath, "-e", script], { env }).stdout.toString().trim();
}

posixTest("a process is the same one to who reads its start in another time zone", () => {
  expect(identityIn("Asia/Tokyo")).toMatch(/\d:\d\d/);
  expect(identityIn("Asia/Tokyo")).toBe(identityIn("America/Lima"));
});
