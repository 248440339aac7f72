import { describe, expect, test } from "bun:test";

import { isFault } from "../../src/core/fault.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import { Child, spawnChild, type StopPolicy } from "../../src/supervise/child.ts";
import type { Launch } from "../../src/supervise/environment.ts";
import { posixTest } from "../helpers/posix.ts";
import { fixture, isRunning, jsonLines } from "./support.ts";

const platform = pickPlatform(process.env);
const HASTY: StopPolicy = { closeMs: 100, terminateMs: 100, killMs: 5000 };
const PATH = process.env["PATH"] ?? "";

function spawn(launch: Partial<Launch>, stop = HASTY): ReturnType<typeof spawnChild> {
  return spawnChild(
    {
      upstream: "test",
      command: process.execPath,
      args: [],
      env: { PATH },
      cwd: import.meta.dir,
      ...launch,
    },
    { platform, clock: systemClock, stop },
  );
}

function start(args: readonly string[], launch: Partial<Launch> = {}, stop = HASTY): Child {
  const child = spawn({ args, ...launch }, stop);
  if (!(child instanceof Child)) throw new Error(child.text);
  return child;
}

async function type(child: Child, text: string): Promise<void> {
  await child.stdin.write(text);
  await child.stdin.flush();
}

describe("spawnChild()", () => {
  test("names the command and the PATH searched when it is not installed", () => {
    const problem = spawn({ command: "no-such-program", env: { PATH: "/usr/bin:/bin" } });
    expect(problem).toMatchObject({ code: "upstream.not-found", subject: "test" });
    expect(isFault(problem) && problem.text).toBe(
      'Cannot start upstream "test": command "no-such-program" is not in PATH (/usr/bin:/bin)',
    );
  });

  test("names the directory when that is what is missing", () => {
    const problem = spawn({ cwd: "/no/such/directory" });
    expect(problem).toMatchObject({ code: "upstream.no-directory" });
    expect(isFault(problem) && problem.text).toContain("/no/such/directory");
  });

  test("gives the program its directory and exactly its environment", async () => {
    const child = start([fixture("echo.ts")], { env: { PATH, GIVEN: "yes" } });
    const next = jsonLines(child.stdout);
    await type(child, "env GIVEN\nenv HOME\ncwd\n");
    const values = [await next(), await next(), await next()].map((row) => row["value"]);
    expect(values).toEqual(["yes", null, import.meta.dir]);
    expect(await child.stop()).toEqual({ kind: "stopped" });
  });

  test("passes arguments untouched: no shell takes them apart", async () => {
    const evil = ["$(id)", "a b", '"', "'; exit 9", "%PATH%", "*", ""];
    const script = "console.log(JSON.stringify({ args: process.argv.slice(1) }))";
    const child = start(["-e", script, ...evil]);
    expect(await jsonLines(child.stdout)()).toEqual({ args: evil });
    await child.gone;
  });
});

describe("Child", () => {
  test("records how the program ended by itself", async () => {
    const child = start([fixture("echo.ts")]);
    await type(child, "exit 3\n");
    expect(await child.gone).toEqual({ kind: "exited", code: 3 });
    expect(child.alive()).toBe(false);
    expect(await child.stop()).toEqual({ kind: "exited", code: 3 });
  });

  test("stop() lets a good server leave when its input ends", async () => {
    const patient: StopPolicy = { closeMs: 20_000, terminateMs: 20_000, killMs: 5000 };
    const child = start([fixture("echo.ts")], {}, patient);
    expect(await child.stop()).toEqual({ kind: "stopped" });
    expect(await isRunning(child.pid)).toBe(false);
  });

  test("stop() kills what ignores everything else", async () => {
    const child = start([fixture("stubborn.ts")]);
    await jsonLines(child.stdout)();
    expect(await child.stop()).toEqual({ kind: "stopped" });
    expect(await isRunning(child.pid)).toBe(false);
  });

  test("stop() does not wait for input that nobody reads", async () => {
    const child = start([fixture("stubborn.ts")]);
    await jsonLines(child.stdout)();
    void child.stdin.write("x".repeat(1_000_000));
    void Promise.resolve(child.stdin.flush()).catch(() => undefined);
    expect(await child.stop()).toEqual({ kind: "stopped" });
    expect(await isRunning(child.pid)).toBe(false);
  });

  posixTest("stop() ends grandchildren that ignore TERM", async () => {
    const child = start([fixture("family.ts")]);
    const grandchild = Number((await jsonLines(child.stdout)())["pid"]);
    expect(await isRunning(grandchild)).toBe(true);
    expect(await child.stop()).toEqual({ kind: "stopped" });
    expect(await isRunning(grandchild)).toBe(false);
    expect(platform.treeAlive(child.pid)).toBe(false);
  });

  posixTest("no grandchild outlives a leader that leaves", async () => {
    const child = start([fixture("family.ts")]);
    const grandchild = Number((await jsonLines(child.stdout)())["pid"]);
    await type(child, "exit\n");
    expect(await child.gone).toEqual({ kind: "exited", code: 7 });
    expect(await isRunning(grandchild)).toBe(false);
  });

  posixTest("a kill from outside is told as one", async () => {
    const child = start([fixture("stubborn.ts")]);
    await jsonLines(child.stdout)();
    process.kill(child.pid, "SIGKILL");
    expect(await child.gone).toEqual({ kind: "killed", signal: "SIGKILL" });
  });
});
