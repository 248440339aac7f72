import { describe, expect } from "bun:test";
import { join } from "node:path";

import { isFault } from "../../src/core/fault.ts";
import { planInstall } from "../../src/install/install.ts";
import { withInstallLock } from "../../src/install/lock.ts";
import { planUpgrade } from "../../src/install/upgrade.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { posixTest } from "../helpers/posix.ts";
import { ROOT } from "../helpers/sources.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { Bench, whole } from "./bench.ts";

const CUT = join(ROOT, "test", "fixtures", "install", "cut.ts");
const MOMENTS = ["before", "after"] as const;

/** Runs until the cut; what it says when it came to its end instead. */
async function cutAt(words: readonly string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, CUT, ...words], { stdout: "pipe", stderr: "inherit" });
  const [said] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return child.signalCode === "SIGKILL" ? "cut" : said.trim();
}

/** So many steps has a plan; a count that does not hold would leave steps untested. */
function installSteps(): number {
  using directory = new TemporaryDirectory();
  const { machine } = new Bench(directory.path, "0.1.0");
  const plan = planInstall(machine, { allowDowngrade: false, modifyPath: false });
  return isFault(plan) ? 0 : plan.steps.length;
}

async function upgradeSteps(): Promise<number> {
  using directory = new TemporaryDirectory();
  const bench = new Bench(directory.path, "0.1.0");
  await bench.install();
  const plan = planUpgrade(bench.machine, { kind: "file", version: "0.2.0", path: "" }, false);
  return isFault(plan) ? 0 : plan.length;
}

describe("a power cut", () => {
  for (const moment of MOMENTS) {
    posixTest(
      `${moment} any step of install is mended by the next install`,
      async () => {
        const count = installSteps();
        expect(count).toBeGreaterThan(10);
        for (let number = 1; number <= count; number++) {
          using directory = new TemporaryDirectory();
          const words = [directory.path, "0.1.0", "install", `${number}`, moment];
          expect(await cutAt(words)).toBe("cut");
          const bench = new Bench(directory.path, "0.1.0");
          const { lockFile } = bench.machine.layout;
          const again = withInstallLock(lockFile, systemClock, () => bench.install(), 0);
          expect([number, await again]).toEqual([number, null]);
          expect([number, await bench.found()]).toEqual([number, whole("0.1.0")]);
        }
      },
      60_000,
    );

    posixTest(
      `${moment} any step of upgrade is mended by the next upgrade`,
      async () => {
        const count = await upgradeSteps();
        expect(count).toBeGreaterThan(8);
        for (let number = 1; number <= count; number++) {
          using directory = new TemporaryDirectory();
          const bench = new Bench(directory.path, "0.1.0");
          expect(await bench.install()).toBeNull();
          const words = [directory.path, "0.2.0", "upgrade", `${number}`, moment];
          expect(await cutAt(words)).toBe("cut");
          const { lockFile } = bench.machine.layout;
          const again = withInstallLock(lockFile, systemClock, () => bench.upgrade("0.2.0"), 0);
          expect([number, await again]).toEqual([number, null]);
          expect([number, await bench.found()]).toEqual([number, whole("0.2.0", "0.1.0")]);
        }
      },
      60_000,
    );
  }

  posixTest("before the receipt of an upgrade leaves the old version to go back to", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    await bench.install();
    const count = await upgradeSteps();
    const words = [directory.path, "0.2.0", "upgrade", `${count - 1}`, "before"];
    expect(await cutAt(words)).toBe("cut");
    expect(await bench.found()).toMatchObject({
      program: "mcpd 0.2.0",
      receipt: "0.1.0",
      torn: true,
    });
    expect(await bench.install()).toBeNull();
    expect(await bench.found()).toEqual(whole("0.1.0"));
  });
});
