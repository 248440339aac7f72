import { expect, test } from "bun:test";
import { resolve } from "node:path";

import { wishOf } from "../../src/cli/upgrade-source.ts";
import { FaultError } from "../../src/core/fault.ts";
import { Bench } from "./bench.ts";

const NOTHING = {
  version: undefined,
  from: undefined,
  rollback: false,
  "unsigned-ok": false,
  check: false,
};

test("the flags of upgrade say where the new version comes from", () => {
  expect(wishOf(NOTHING)).toEqual({ kind: "network", version: null });
  expect(wishOf({ ...NOTHING, version: "v0.2.0" })).toEqual({ kind: "network", version: "0.2.0" });
  expect(wishOf({ ...NOTHING, from: "a.tar.gz" })).toEqual({
    kind: "file",
    path: resolve("a.tar.gz"),
    unsignedOk: false,
  });
  expect(wishOf({ ...NOTHING, rollback: true })).toEqual({ kind: "rollback" });
});

test("flags of upgrade that do not go together are refused", () => {
  const wrong = [
    { version: "0.2.0", from: "f" },
    { version: "0.2.0", rollback: true },
    { rollback: true, check: true },
    { "unsigned-ok": true },
    { version: "latest" },
    { version: "../0.2.0" },
  ];
  for (const flags of wrong) {
    expect(() => wishOf({ ...NOTHING, ...flags })).toThrow(FaultError);
  }
});

test("--version asks for ours everywhere but in upgrade, where it is a version", async () => {
  using bench = new Bench();
  expect((await bench.run(["install", "--version"])).stdout).toStartWith("mcpd ");
  const upgrade = await bench.run(["upgrade", "--version", "x"]);
  expect(upgrade).toMatchObject({ code: 2, stdout: "" });
  expect(upgrade.stderr).toContain('--version must be like 0.2.0, received "x"');
  expect((await bench.run(["help", "upgrade"])).stdout).toContain("--version V");
});

test("from source there is nothing to install, and without an install nothing to change", async () => {
  using bench = new Bench();
  const environment = { MCPD_ALLOW_ROOT: "1" };
  for (const [words, code] of [
    [["install"], "install.source"],
    [["upgrade"], "install.missing"],
    [["uninstall", "--yes"], "install.missing"],
    [["uninstall"], "usage.invalid"],
    [["uninstall", "--keep"], "usage.invalid"],
    [["uninstall", "--purge"], "usage.invalid"],
    [["uninstall", "--dry-run"], "install.missing"],
    [["uninstall", "--purge", "--keep"], "usage.invalid"],
  ] as const) {
    const { stdout } = await bench.run([...words, "--json"], environment);
    expect([words, JSON.parse(stdout).error.code]).toEqual([words, code]);
  }
});
