import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import { canSign, sign } from "../../build/sign.ts";
import { program } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

test("signing says where it can be done, or does it", () => {
  if (canSign()) {
    using directory = new TemporaryDirectory();
    const copy = directory.file("mcpd");
    copyFileSync(program(), copy);
    expect(sign(copy)).toBe(null);
    expect(Bun.spawnSync([copy, "--version"]).exitCode).toBe(0);
    return;
  }
  const run = Bun.spawnSync([process.execPath, join(ROOT, "build", "sign.ts"), "mcpd"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr.toString()).toContain("only on macOS");
});
