import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { isOnTrial } from "../../src/control/trial.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

test("nobody is on trial where no file can be", async () => {
  using directory = new TemporaryDirectory();
  const file = directory.file("data");
  writeFileSync(file, "");
  const here = {
    paths: { trialFile: join(file, "trial.json") },
    processIdentity: () => Promise.resolve("somebody"),
  };
  expect(await isOnTrial(here, systemClock)).toBe(false);
});
