import { expect, test } from "bun:test";

import { Daemon } from "./harness.ts";

/** The runtime tells on stderr what it compiles to machine code. */
const REPORT = { BUN_JSC_reportCompileTimes: "1" };

const compiled = (stderr: string): number => stderr.split("Optimized ").length - 1;

test("a light command runs what it runs once, a daemon compiles what it runs often", async () => {
  await using daemon = await Daemon.start({}, { env: REPORT });
  for (const line of ["--version", "status", "tools"]) {
    const { exitCode, stderr } = await daemon.run(line);
    expect([line, exitCode, compiled(stderr)]).toEqual([line, 0, 0]);
  }
  for (let asked = 0; asked < 120; asked++) await daemon.health();
  await daemon.stop();
  expect(compiled(await daemon.stderr())).toBeGreaterThan(20);
});
