import { expect, test } from "bun:test";

import { untilStarted } from "../../src/cli/listing.ts";
import type { ControlPort } from "../../src/control/client.ts";

function servers(...states: readonly string[]): ControlPort {
  const rest = [...states];
  const request = (): Promise<unknown> =>
    Promise.resolve({ upstreams: [{ name: "slow", state: rest.shift() }] });
  return { request } as unknown as ControlPort;
}

async function asked(port: ControlPort, missing: readonly (readonly string[])[]): Promise<number> {
  const rest = [...missing];
  await untilStarted(port, () => Promise.resolve({ missing: rest.shift() ?? [] }));
  return missing.length - rest.length;
}

test("a list is asked for again while what it lacks is just starting", async () => {
  expect(await asked(servers(), [[]])).toBe(1);
  expect(await asked(servers("starting"), [["slow"], []])).toBe(2);
});

test("a list is not asked for again for what has failed, or is not missing", async () => {
  expect(await asked(servers("failed"), [["slow"], []])).toBe(1);
  expect(await asked(servers("starting"), [["other"], []])).toBe(1);
});
