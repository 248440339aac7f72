import { expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "../../src/lib/clock.ts";
import { LogFile } from "../../src/lib/log-file.ts";
import { StderrLog } from "../../src/supervise/stderr-log.ts";
import { fixture, temporaryDirectory } from "./support.ts";

test("StderrLog writes every line with its time and cuts the long ones", async () => {
  const directory = temporaryDirectory();
  const file = new LogFile(
    join(directory, "up.log"),
    { bytesMax: 1e7, backupsMax: 1 },
    systemClock,
  );
  const child = Bun.spawn([process.execPath, fixture("talker.ts")], {
    stdout: "ignore",
    stderr: "pipe",
  });
  await new StderrLog(child.stderr, file, systemClock).done;
  const lines = readFileSync(file.path, "utf8").trimEnd().split("\n");
  expect(lines.length).toBe(2001);
  expect(lines[1999]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - row 1999 e+$/);
  expect(lines[2000]).toEndWith("www (cut)");
  expect(lines[2000]?.length).toBeLessThan(4200);
  await child.exited;
  rmSync(directory, { recursive: true });
});

test("StderrLog keeps a flood within the size of its files", async () => {
  const directory = temporaryDirectory();
  const file = new LogFile(
    join(directory, "up.log"),
    { bytesMax: 50_000, backupsMax: 1 },
    systemClock,
  );
  const child = Bun.spawn([process.execPath, fixture("talker.ts")], {
    stdout: "ignore",
    stderr: "pipe",
  });
  await new StderrLog(child.stderr, file, systemClock).done;
  for (const name of ["up.log", "up.log.1"]) {
    expect(readFileSync(join(directory, name)).length).toBeLessThanOrEqual(50_000);
  }
  await child.exited;
  rmSync(directory, { recursive: true });
});
