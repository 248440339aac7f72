import { expect } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "../../src/lib/clock.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import { LogBook } from "../../src/server/log-book.ts";
import { linuxTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

/** The upstream logs of this process that are open. */
function openLogs(directory: string): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(join("/proc/self/fd", fd));
      return path.startsWith(directory) ? (path.split("/").at(-1) ?? []) : [];
    } catch {
      // The descriptor of the listing itself.
      return [];
    }
  });
}

linuxTest("a log book closes the files of upstreams that have left the config", () => {
  using directory = new TemporaryDirectory();
  const environment = { HOME: directory.path };
  const platform = pickPlatform(environment);
  const book = new LogBook({ platform, clock: systemClock, environment, mirror: false });
  for (const name of ["stays", "leaves"]) book.upstreamFile(name).write("a line");
  expect([...openLogs(directory.path)].sort()).toEqual([
    "upstream-leaves.log",
    "upstream-stays.log",
  ]);
  book.keep(new Set(["stays"]));
  expect(openLogs(directory.path)).toEqual(["upstream-stays.log"]);
  book.keep(new Set());
  expect(openLogs(directory.path)).toEqual([]);
});
