import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { LogFile } from "../../src/lib/log-file.ts";

let directory = "";
let nowMs = 0;
const clock: Clock = { ...systemClock, monotonic: () => nowMs };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mcpd-log-"));
  nowMs = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const read = (name: string): string => readFileSync(join(directory, name), "utf8");

describe("LogFile", () => {
  test("appends to what is there, for the owner alone", () => {
    const path = join(directory, "logs", "server.log");
    new LogFile(path, { bytesMax: 1000, backupsMax: 2 }, clock).write("first");
    new LogFile(path, { bytesMax: 1000, backupsMax: 2 }, clock).write("second");
    expect(readFileSync(path, "utf8")).toBe("first\nsecond\n");
    if (process.platform !== "win32") expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("rotates by size and keeps as many older files as it may", () => {
    const file = new LogFile(join(directory, "a.log"), { bytesMax: 12, backupsMax: 2 }, clock);
    for (const line of ["line1", "line2", "line3", "line4", "line5", "line6", "line7"]) {
      file.write(line);
    }
    expect(readdirSync(directory).sort()).toEqual(["a.log", "a.log.1", "a.log.2"]);
    expect(read("a.log")).toBe("line7\n");
    expect(read("a.log.1")).toBe("line5\nline6\n");
    expect(read("a.log.2")).toBe("line3\nline4\n");
  });

  test("with no older files allowed it starts afresh", () => {
    const file = new LogFile(join(directory, "a.log"), { bytesMax: 6, backupsMax: 0 }, clock);
    file.write("line1");
    file.write("line2");
    expect(readdirSync(directory)).toEqual(["a.log"]);
    expect(read("a.log")).toBe("line2\n");
  });

  test("new limits hold from the next line on", () => {
    const file = new LogFile(join(directory, "a.log"), { bytesMax: 1000, backupsMax: 1 }, clock);
    file.write("line1");
    file.configure({ bytesMax: 6, backupsMax: 1 });
    file.write("line2");
    expect(read("a.log.1")).toBe("line1\n");
  });

  test("follows its path when somebody else renames the file", () => {
    const file = new LogFile(join(directory, "a.log"), { bytesMax: 99, backupsMax: 1 }, clock);
    file.write("line1");
    renameSync(join(directory, "a.log"), join(directory, "moved"));
    nowMs += 1000;
    file.write("line2");
    expect([read("moved"), read("a.log")]).toEqual(["line1\n", "line2\n"]);
  });

  test("writes again after its directory was removed", () => {
    const file = new LogFile(
      join(directory, "logs", "a.log"),
      { bytesMax: 99, backupsMax: 1 },
      clock,
    );
    file.write("line1");
    rmSync(join(directory, "logs"), { recursive: true });
    nowMs += 1000;
    expect(file.write("line2")).toBe(true);
    expect(read("logs/a.log")).toBe("line2\n");
  });

  test("counts what cannot be written, and never throws", () => {
    const file = new LogFile(directory, { bytesMax: 99, backupsMax: 1 }, clock);
    expect([file.write("line1"), file.write("line2")]).toEqual([false, false]);
    expect(file.lost).toBe(2);
  });

  test("tries again a second after it failed", () => {
    const blocked = join(directory, "blocked");
    const file = new LogFile(join(blocked, "a.log"), { bytesMax: 99, backupsMax: 1 }, clock);
    new LogFile(blocked, { bytesMax: 99, backupsMax: 1 }, clock).write("a file, not a directory");
    expect(file.write("line1")).toBe(false);
    rmSync(blocked);
    expect(file.write("line2")).toBe(false);
    nowMs += 1000;
    expect(file.write("line3")).toBe(true);
    expect(read("blocked/a.log")).toBe("line3\n");
    expect(file.lost).toBe(0);
  });
});
