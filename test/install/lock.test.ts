import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { withInstallLock } from "../../src/install/lock.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { posixTest } from "../helpers/posix.ts";
import { ROOT } from "../helpers/sources.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor } from "../helpers/wait.ts";

const HOLDER = `
  const { withInstallLock } = await import(${JSON.stringify(join(ROOT, "src/install/lock.ts"))});
  const { systemClock } = await import(${JSON.stringify(join(ROOT, "src/lib/clock.ts"))});
  await withInstallLock(process.argv[1], systemClock, async () => {
    console.log("held");
    await new Promise(() => setInterval(() => undefined, 1000));
  });
`;

test("a second one says which process is at it, and goes on once that one has ended", async () => {
  using directory = new TemporaryDirectory();
  const lock = directory.file("root", ".lock");
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const first = withInstallLock(lock, systemClock, () => held);
  expect(await withInstallLock(lock, systemClock, async () => 1, 0)).toMatchObject({
    code: "install.busy",
    text: `Another install, upgrade or uninstall is at work: process ${process.pid} is at it`,
  });
  const second = withInstallLock(lock, systemClock, async () => 2);
  release();
  await first;
  expect(await second).toBe(2);
});

test("nothing is left where nothing was installed", async () => {
  using directory = new TemporaryDirectory();
  const lock = directory.file("share", "mcpd", ".lock");
  expect(await withInstallLock(lock, systemClock, async () => existsSync(lock))).toBe(true);
  expect(existsSync(directory.file("share"))).toBe(false);
});

posixTest("kill -9 lets go of it at once", async () => {
  using directory = new TemporaryDirectory();
  const lock = directory.file(".lock");
  const child = Bun.spawn([process.execPath, "-e", HOLDER, lock], { stdout: "pipe" });
  try {
    const said = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(said.value)).toBe("held\n");
    expect(await withInstallLock(lock, systemClock, async () => 1, 0)).toMatchObject({
      text: `Another install, upgrade or uninstall is at work: process ${child.pid} is at it`,
    });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  const now = await waitFor("the lock", () => withInstallLock(lock, systemClock, async () => 1, 0));
  expect(now).toBe(1);
});

posixTest("ten at once take turns", async () => {
  using directory = new TemporaryDirectory();
  const lock = directory.file("root", ".lock");
  let inside = 0;
  const runs = Array.from({ length: 10 }, async () =>
    withInstallLock(lock, systemClock, async () => {
      const alone = ++inside === 1;
      await Bun.sleep(2);
      inside--;
      return alone;
    }),
  );
  expect(await Promise.all(runs)).toEqual(runs.map(() => true));
});
