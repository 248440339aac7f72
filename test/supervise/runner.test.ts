import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";

import type { Fault } from "../../src/core/fault.ts";
import type { Unit } from "../../src/core/unit.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { LogFile } from "../../src/lib/log-file.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import type { KeychainAnswer } from "../../src/platform/platform.ts";
import { Ledger } from "../../src/supervise/ledger.ts";
import { Runner } from "../../src/supervise/runner.ts";
import type { Link } from "../../src/transport/link.ts";
import { StdioChildLink } from "../../src/transport/stdio-child.ts";
import { HandClock } from "../helpers/hand-clock.ts";
import { fixture, isRunning, quietLog, temporaryDirectory, unitOf } from "./support.ts";

const platform = { ...pickPlatform(process.env), keychain: lockedKeychain };

/** One whose user is not there. */
async function lockedKeychain(
  _service: string,
  _account: string,
  ending?: AbortSignal,
): Promise<KeychainAnswer> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (ending?.aborted === true) resolve();
  ending?.addEventListener("abort", () => resolve());
  await promise;
  return { kind: "unusable", why: "nobody waits" };
}

/** Timers fire only when a test moves the time; waiting for processes is real. */
class TestClock extends HandClock {
  override sleep = (delayMs: number): Promise<void> => systemClock.sleep(delayMs);
}

/** A runner and all it says, with a way to wait for what it says next. */
class Scene {
  readonly clock = new TestClock();
  readonly heard: { kind: string; value: unknown }[] = [];
  readonly runner: Runner;
  link: Link | null = null;
  #wake: () => void = () => undefined;
  #read = 0;

  constructor(unit: Unit, directory: string) {
    const hear = (kind: string, value: unknown): void => {
      this.heard.push({ kind, value });
      this.#wake();
    };
    const limits = { lineBytesMax: () => 1 << 20, queueBytesMax: 1 << 20 };
    this.runner = new Runner(
      unit,
      {
        clock: this.clock,
        random: () => 0,
        platform,
        environment: process.env,
        loginPath: { get: () => Promise.resolve(process.env["PATH"] ?? "") },
        ledger: new Ledger(join(directory, "ledger.json"), platform, systemClock, quietLog),
        log: quietLog,
        stderr: new LogFile(
          join(directory, "up.log"),
          { bytesMax: 1e6, backupsMax: 1 },
          systemClock,
        ),
        openLink: (child, events) =>
          new StdioChildLink(
            { stdin: child.stdin, stdout: child.stdout, alive: () => child.alive() },
            events,
            limits,
            systemClock,
          ),
        stop: { closeMs: 100, terminateMs: 100, killMs: 5000 },
      },
      {
        opened: (link) => {
          this.link = link;
          hear("opened", null);
        },
        message: (text) => hear("message", text),
        noise: (text) => hear("noise", text),
        gone: (problem, retryInMs) => hear("gone", { problem, retryInMs }),
      },
    );
  }

  /** The next thing of that kind that it says; what comes before is passed over. */
  async next(kind: string): Promise<unknown> {
    for (;;) {
      const found = this.heard.slice(this.#read).findIndex((row) => row.kind === kind);
      if (found >= 0) {
        this.#read += found + 1;
        return this.heard[this.#read - 1]?.value;
      }
      this.#read = this.heard.length;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async gone(): Promise<{ problem: Fault; retryInMs: number | null }> {
    return (await this.next("gone")) as { problem: Fault; retryInMs: number | null };
  }

  count(kind: string): number {
    return this.heard.filter((row) => row.kind === kind).length;
  }
}

let directory = "";
let scene: Scene | null = null;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  await scene?.runner.stop();
  rmSync(directory, { recursive: true, force: true });
});

function open(options: Parameters<typeof unitOf>[0]): Scene {
  scene = new Scene(unitOf(options), directory);
  return scene;
}

describe("Runner", () => {
  test("starts on demand, passes messages, and ends without a trace", async () => {
    const it = open({ args: [fixture("echo.ts")] });
    expect(it.runner.demand()).toBeNull();
    await it.next("opened");
    expect(it.link?.send('{"id":1}')).toBe(true);
    expect(await it.next("message")).toBe('{"id":1}');
    it.runner.ready();
    const pid = it.runner.pid ?? 0;
    expect(await isRunning(pid)).toBe(true);
    await it.runner.stop();
    expect(await isRunning(pid)).toBe(false);
    expect(it.runner.state.kind).toBe("idle");
    expect(it.count("gone")).toBe(1);
    expect(it.runner.pid).toBeNull();
  });

  test("stops without waiting for a keychain that waits for its user", async () => {
    const item = { kind: "keychain", service: "github", account: "ada", prefix: "" } as const;
    const it = open({ args: [fixture("echo.ts")], env: { TOKEN: item } });
    it.runner.demand();
    await it.runner.stop();
    expect(it.runner.state.kind).toBe("idle");
    expect(it.count("opened")).toBe(0);
  });

  test("starts again after a crash, when the back-off is over and not before", async () => {
    const it = open({ args: [fixture("echo.ts")] });
    it.runner.demand();
    await it.next("opened");
    it.runner.ready();
    it.link?.send("exit 3");
    const { problem, retryInMs } = await it.gone();
    expect(retryInMs).toBe(250);
    expect(problem).toMatchObject({ code: "upstream.failed", subject: "test" });
    expect(problem.text).toContain("exited with code 3");
    it.clock.pass(249);
    expect(it.runner.state.kind).toBe("waiting");
    it.clock.pass(1);
    await it.next("opened");
    it.link?.send('{"again":true}');
    expect(await it.next("message")).toBe('{"again":true}');
    expect(it.runner.restarts).toBe(1);
  });

  test("gives everything a dying process had said before it says that it is gone", async () => {
    const it = open({ args: [fixture("talker.ts")] });
    it.runner.demand();
    await it.gone();
    const said = it.heard.filter((row) => row.kind === "message" || row.kind === "noise");
    expect(said.map(({ kind, value }) => [kind, String(value).slice(0, 24)])).toEqual([
      ["noise", "a line of more than 1048"],
      ["noise", "Server listening..."],
      ["message", '{"jsonrpc":"2.0","id":1,'],
      ["message", '{"jsonrpc":"2.0","id":2,'],
    ]);
    expect(it.heard.at(-1)?.kind).toBe("gone");
  });

  test("ends a process that is not ready in time", async () => {
    const it = open({ args: [fixture("stubborn.ts")], startTimeoutMs: 5000 });
    it.runner.demand();
    await it.next("message");
    const pid = it.runner.pid ?? 0;
    it.clock.pass(5000);
    expect((await it.gone()).problem.code).toBe("upstream.start-timeout");
    expect(await isRunning(pid)).toBe(false);
  });

  test("ends a process that closes its output but lives on", async () => {
    const it = open({ args: [fixture("mute.ts")] });
    it.runner.demand();
    await it.next("opened");
    const pid = it.runner.pid ?? 0;
    // The link notices by itself; a moment is then left for the process to be seen to exit.
    const ticking = setInterval(() => it.clock.pass(50), 10);
    const { problem } = await it.gone();
    clearInterval(ticking);
    expect(problem.code).toBe("upstream.broken-answer");
    expect(await isRunning(pid)).toBe(false);
  });

  test("says at once, and once, that the command is not installed", async () => {
    const it = open({ command: "no-such-program" });
    expect(it.runner.demand()).toBeNull();
    expect((await it.gone()).problem.code).toBe("upstream.not-found");
    expect(it.runner.demand()?.text).toContain('command "no-such-program" is not in PATH');
    expect(it.count("gone")).toBe(1);
    expect(it.count("opened")).toBe(0);
  });

  test("tells a missing directory from a missing command", async () => {
    const it = open({ args: [fixture("echo.ts")], cwd: "/no/such/directory" });
    it.runner.demand();
    expect((await it.gone()).problem).toMatchObject({ code: "upstream.no-directory" });
  });

  test("a project that is not there is its client's mistake, told once and not tried again", async () => {
    const it = open({ args: [fixture("echo.ts")], project: "/no/such/project" });
    it.runner.demand();
    const { problem, retryInMs } = await it.gone();
    expect(problem).toMatchObject({ code: "project.unknown", subject: "/no/such/project" });
    expect(retryInMs).toBeNull();
    expect(it.runner.state.kind).toBe("failed");
  });

  test("a stop that comes before the process is there leaves none", async () => {
    const it = open({ args: [fixture("echo.ts")] });
    it.runner.demand();
    await it.runner.stop();
    expect(it.runner.state.kind).toBe("idle");
    expect(it.count("opened")).toBe(0);
    expect(it.count("gone")).toBe(1);
  });

  test("a refused handshake ends the process and is what is reported", async () => {
    const it = open({ args: [fixture("echo.ts")], reconnect: false });
    it.runner.demand();
    await it.next("opened");
    const refusal = {
      kind: "fault",
      code: "upstream.broken-answer",
      text: "odd",
      subject: "",
    } as const;
    it.runner.refuse(refusal);
    expect(await it.gone()).toEqual({ problem: refusal, retryInMs: null });
    expect(it.runner.state.kind).toBe("failed");
  });
});
