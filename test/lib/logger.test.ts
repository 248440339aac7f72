import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "../../src/lib/clock.ts";
import { LogFile } from "../../src/lib/log-file.ts";
import { levelFor, LogRoot, type LogSettings } from "../../src/lib/logger.ts";

const SETTINGS: LogSettings = { level: "INFO", levels: {}, format: "text" };

function recorder(settings: LogSettings): { root: LogRoot; lines: string[] } {
  const lines: string[] = [];
  const mirror = { write: (line: string): number => lines.push(line) };
  return { root: new LogRoot({ settings, file: null, mirror, clock: systemClock }), lines };
}

describe("levelFor()", () => {
  const settings: LogSettings = {
    ...SETTINGS,
    levels: { server: "ERROR", "server.pool": "DEBUG", upstream: "WARNING" },
  };

  test("takes the longest component that is in the name", () => {
    expect(levelFor("mcpd.server", settings)).toBe("ERROR");
    expect(levelFor("mcpd.server.pool", settings)).toBe("DEBUG");
    expect(levelFor("mcpd.upstream.fs", settings)).toBe("WARNING");
  });

  test("compares whole names, and falls back to the default", () => {
    expect(levelFor("mcpd.serverless", settings)).toBe("INFO");
  });
});

describe("LogRoot", () => {
  test("leaves out what is below the level, and says so before the text is made", () => {
    const { root, lines } = recorder(SETTINGS);
    const log = root.logger("mcpd.server");
    log.debug("no");
    log.info("yes");
    log.child("pool").error("also");
    expect(lines.map((line) => line.split(" - ").slice(1).join(" "))).toEqual([
      "mcpd.server INFO yes",
      "mcpd.server.pool ERROR also",
    ]);
    expect([log.enabled("DEBUG"), log.enabled("INFO")]).toEqual([false, true]);
  });

  test("keeps lines back while it is told to, each with its own time and level", () => {
    const { root, lines } = recorder(SETTINGS);
    const log = root.logger("mcpd.server");
    root.hold();
    log.debug("no");
    log.info("first");
    log.error("second");
    expect(lines).toEqual([]);
    root.release();
    log.info("third");
    expect(lines.map((line) => line.split(" - ").slice(2).join(" "))).toEqual([
      "INFO first",
      "ERROR second",
      "INFO third",
    ]);
  });

  test("applies new settings to loggers that exist", () => {
    const { root, lines } = recorder(SETTINGS);
    const log = root.logger("mcpd.server");
    log.debug("before");
    root.configure({ level: "DEBUG", levels: {}, format: "json" });
    log.debug("after");
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      "after",
    ]);
  });

  test("says how many lines were lost once the file can be written again", () => {
    const directory = mkdtempSync(join(tmpdir(), "mcpd-log-"));
    let nowMs = 0;
    const clock = { ...systemClock, monotonic: () => nowMs };
    const blocked = join(directory, "logs");
    const file = new LogFile(join(blocked, "a.log"), { bytesMax: 9999, backupsMax: 1 }, clock);
    const log = new LogRoot({ settings: SETTINGS, file, mirror: null, clock }).logger("mcpd");
    new LogFile(blocked, { bytesMax: 99, backupsMax: 1 }, clock).write("in the way");
    log.info("one");
    log.info("two");
    rmSync(blocked);
    nowMs += 1000;
    log.info("three");
    expect(readFileSync(join(blocked, "a.log"), "utf8")).toMatch(/three\n.*2 log lines were lost/);
    rmSync(directory, { recursive: true });
  });
});
