import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { isFault } from "../../src/core/fault.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { PLIST_TEMPLATE, renderPlist } from "../../src/platform/launchd-plist.ts";
import { Launchd, type LaunchdHost } from "../../src/platform/launchd.ts";
import type { ServiceSpec } from "../../src/platform/service.ts";
import { parsePlist } from "../fixtures/service-managers/plist.ts";
import { FakeManager, FAKES, type StandIn, standIn } from "../helpers/fake-manager.ts";
import { hastyClock } from "../helpers/hand-clock.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor } from "../helpers/wait.ts";

const LABEL = "dev.mcpd.daemon";
const UID = 501;

/** A home on a Mac, the fake of launchd in it, and the adapter. */
class Mac implements AsyncDisposable {
  readonly home = new TemporaryDirectory();
  readonly spec: ServiceSpec;
  readonly plist: string;
  /** A bootstrap that somebody has started by hand. */
  unkept: Bun.Subprocess | null = null;
  #manager: FakeManager | null = null;

  private constructor() {
    const programs = this.home.file("Application Support");
    this.plist = this.home.file("Library", "LaunchAgents", `${LABEL}.plist`);
    this.spec = {
      program: join(programs, "mcpd"),
      arguments: ["bootstrap", "<&>", "two words"],
      workingDir: join(programs, "state"),
      path: "/opt/a & b/bin:/usr/bin",
      environment: { MCPD_CONFIG: "/x/ü.json" },
      logFile: this.home.file("Library", "Logs", "mcpd", "bootstrap.log"),
    };
    mkdirSync(this.spec.workingDir, { recursive: true });
    const command = `exec "${process.execPath}" run "${FAKES}/standin.ts" "$@"`;
    writeFileSync(this.spec.program, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  }

  static async open(settings: object = {}): Promise<Mac> {
    const mac = new Mac();
    mac.#manager = await FakeManager.start("launchd.ts", mac.home, mac.home.path, String(UID));
    await mac.#manager.control(settings);
    return mac;
  }

  get manager(): FakeManager {
    if (this.#manager === null) throw new Error("it is not open");
    return this.#manager;
  }

  launchd(changes: Partial<LaunchdHost> = {}): Launchd {
    return new Launchd({
      run: this.manager.run,
      clock: hastyClock(4),
      bootstrap: {
        pid: () => Promise.resolve(this.unkept?.signalCode === null ? this.unkept.pid : null),
        askToStop: () => Promise.resolve(this.unkept?.kill() === undefined),
        startInBackground: () => Promise.resolve(null),
      },
      environment: {},
      user: { home: this.home.path, uid: UID },
      templatesDir: this.home.file("templates"),
      ...changes,
    });
  }

  setMode(mode: string): void {
    writeFileSync(join(this.spec.workingDir, "mode"), mode);
  }

  async standsIn(): Promise<StandIn> {
    return await waitFor("the stand-in", () => standIn(this.spec.workingDir));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#manager?.[Symbol.asyncDispose]();
    this.home[Symbol.dispose]();
  }
}

/** What launchd.plist(5) says of the keys that we use. */
const KEYS: { readonly [key: string]: "string" | "integer" | "boolean" | "strings" | "dict" } = {
  Label: "string",
  ProgramArguments: "strings",
  RunAtLoad: "boolean",
  KeepAlive: "dict",
  ThrottleInterval: "integer",
  ExitTimeOut: "integer",
  ProcessType: "string",
  LimitLoadToSessionType: "strings",
  Umask: "integer",
  WorkingDirectory: "string",
  EnvironmentVariables: "dict",
  SoftResourceLimits: "dict",
  StandardOutPath: "string",
  StandardErrorPath: "string",
};

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return value.every((item) => typeof item === "string") ? "strings" : "";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "";
  return typeof value === "object" ? "dict" : typeof value;
}

const SPEC: ServiceSpec = {
  program: "/Users/ada/Library/Application Support/mcpd/bin/mcpd",
  arguments: ["bootstrap", "--config", 'a "quoted" <name> & more'],
  workingDir: "/Users/ada/Library/Caches/mcpd",
  path: "/opt/homebrew/bin:/usr/bin",
  logFile: "/Users/ada/Library/Logs/mcpd/bootstrap.log",
};

describe("renderPlist()", () => {
  const text = renderPlist({ text: PLIST_TEMPLATE, path: null }, SPEC, LABEL);

  test("writes a property list with keys that launchd knows, each of its type", () => {
    if (isFault(text)) throw new Error(text.text);
    const values = parsePlist(text) as { readonly [key: string]: unknown };
    const kinds = Object.entries(values).map(([key, value]) => [key, kindOf(value)] as const);
    expect(Object.fromEntries(kinds)).toEqual(KEYS);
    expect(values).toMatchObject({
      Label: LABEL,
      ProgramArguments: [SPEC.program, ...SPEC.arguments],
      KeepAlive: { SuccessfulExit: false },
      ProcessType: "Interactive",
      Umask: 0o077,
      WorkingDirectory: SPEC.workingDir,
      EnvironmentVariables: { PATH: SPEC.path },
      StandardErrorPath: SPEC.logFile,
    });
  });

  const python = Bun.which("python3");
  if (python !== null) {
    test("writes what Python's reader of property lists reads the same", () => {
      if (isFault(text)) throw new Error(text.text);
      const script = "import json,plistlib,sys;print(json.dumps(plistlib.load(sys.stdin.buffer)))";
      const read = Bun.spawnSync([python, "-c", script], { stdin: Buffer.from(text) });
      expect(read.stderr.toString()).toBe("");
      expect(JSON.parse(read.stdout.toString())).toEqual(parsePlist(text));
    });
  }

  test("refuses paths that are not absolute, or that no list can hold", () => {
    const template = { text: PLIST_TEMPLATE, path: null };
    for (const program of ["mcpd", "/a\nb/mcpd", "/a\u0001/mcpd"]) {
      expect(renderPlist(template, { ...SPEC, program }, LABEL)).toMatchObject({
        code: "service.path",
      });
    }
  });
});

describe("Launchd", () => {
  posixTest("registers an agent that runs now and after the next login", async () => {
    await using mac = await Mac.open();
    const launchd = mac.launchd();
    expect(await launchd.unavailable()).toBeNull();
    expect((await launchd.state()).registered).toBe(false);
    expect(await launchd.program()).toBeNull();
    expect(await launchd.register(mac.spec)).toBeNull();
    const state = await launchd.state();
    expect(state).toMatchObject({ registered: true, enabled: true, running: true, notes: [] });
    expect(await launchd.program()).toBe(mac.spec.program);
    expect(statSync(mac.plist).mode & 0o777).toBe(0o644);
    expect(await mac.standsIn()).toMatchObject({
      pid: state.pid,
      cwd: mac.spec.workingDir,
      words: mac.spec.arguments,
      path: mac.spec.path,
      umask: 0o077,
    });
    await mac.manager.control({ login: true });
    const after = await waitFor("the next login", () => standIn(mac.spec.workingDir));
    expect(after.pid).not.toBe(state.pid);
  });

  posixTest("waits until the old one is forgotten before it loads the new one", async () => {
    await using mac = await Mac.open({ lingerMs: 700 });
    const launchd = mac.launchd();
    expect(await launchd.register(mac.spec)).toBeNull();
    const { pid } = await mac.standsIn();
    expect(await launchd.register({ ...mac.spec, arguments: ["anew"] })).toBeNull();
    const again = await mac.standsIn();
    expect([again.words, again.pid === pid]).toEqual([["anew"], false]);
    expect(await launchd.restart()).toBeNull();
    expect((await mac.standsIn()).pid).not.toBe(again.pid);
  });

  posixTest("loads again while launchd answers with an error of its own", async () => {
    await using mac = await Mac.open();
    let failures = 3;
    const launchd = mac.launchd({
      run: async (argv) => {
        if (argv[1] !== "bootstrap" || failures-- <= 0) return await mac.manager.run(argv);
        const code = failures === 1 ? 37 : 5;
        return { code, stdout: "", stderr: `Bootstrap failed: ${code}: Input/output error` };
      },
      clock: { ...systemClock, sleep: () => systemClock.sleep(20) },
    });
    expect(await launchd.register(mac.spec)).toBeNull();
    expect(failures).toBeLessThan(0);
  });

  posixTest("has a killed one started again, and leaves one down that was stopped", async () => {
    await using mac = await Mac.open();
    const launchd = mac.launchd();
    expect(await launchd.register(mac.spec)).toBeNull();
    const { pid } = await mac.standsIn();
    process.kill(pid, "SIGKILL");
    const again = await waitFor("the restart", () => {
      const found = standIn(mac.spec.workingDir);
      return found !== null && found.pid !== pid && found;
    });
    // Ended by itself in order: stays down too.
    process.kill(again.pid, "SIGTERM");
    await waitFor("the end", async () => !(await launchd.state()).running);
    expect((await launchd.state()).detail).toBe("not running, last exit code 0");
    expect(await launchd.start()).toBeNull();
    expect(await launchd.stop()).toBeNull();
    expect(await launchd.state()).toMatchObject({
      registered: true,
      enabled: true,
      running: false,
      detail: "not loaded",
    });
    expect(await launchd.stop()).toBeNull();
    expect(await launchd.start()).toBeNull();
    expect((await launchd.state()).running).toBe(true);
  });

  posixTest("ends one that was started by hand, since there is room for one", async () => {
    await using mac = await Mac.open();
    mac.unkept = Bun.spawn(["/bin/sleep", "600"]);
    expect(await mac.launchd().register(mac.spec)).toBeNull();
    expect(mac.unkept.signalCode).toBe("SIGTERM");
    // One that cannot be asked is told, and nothing is left registered.
    mac.unkept = Bun.spawn(["/bin/sleep", "600"]);
    const { pid } = mac.unkept;
    const bootstrap = {
      pid: () => Promise.resolve(pid),
      askToStop: () => Promise.resolve(false),
      startInBackground: () => Promise.resolve(null),
    };
    expect(await mac.launchd({ bootstrap }).restart()).toMatchObject({
      code: "service.failed",
      text: `Cannot stop the bootstrap: process ${pid} goes on`,
    });
    mac.unkept.kill("SIGKILL");
    await mac.unkept.exited;
  });

  posixTest("outlasts a program that does not want to end", async () => {
    await using mac = await Mac.open();
    const launchd = mac.launchd();
    expect(await launchd.register(mac.spec)).toBeNull();
    mac.setMode("stubborn");
    expect(await launchd.stop()).toBeNull();
    expect(standIn(mac.spec.workingDir)).toBeNull();
    const events = readFileSync(join(mac.spec.workingDir, "events.txt"), "utf8");
    expect(events).toEndWith("asked to end\n");
  });

  posixTest("leaves nothing registered when the program does not start", async () => {
    await using mac = await Mac.open({ throttleMs: 2000 });
    mac.setMode("fail");
    const problem = await mac.launchd().register(mac.spec);
    expect(problem).toMatchObject({
      code: "service.failed",
      text: `Cannot start ${LABEL}: launchd says not running, last exit code 7`,
    });
    expect(existsSync(mac.plist)).toBe(false);
    expect(await mac.launchd().state()).toMatchObject({ registered: false, running: false });
  });

  posixTest("takes it out without a trace", async () => {
    await using mac = await Mac.open();
    const launchd = mac.launchd();
    expect(await launchd.register(mac.spec)).toBeNull();
    expect(await launchd.unregister()).toBeNull();
    expect(existsSync(mac.plist)).toBe(false);
    expect(await launchd.state()).toMatchObject({ registered: false, running: false });
    expect(standIn(mac.spec.workingDir)).toBeNull();
    expect(await launchd.unregister()).toBeNull();
    expect(await launchd.start()).toMatchObject({ code: "service.missing" });
  });

  posixTest("says that it is switched off, and switches it on to start it", async () => {
    await using mac = await Mac.open();
    const launchd = mac.launchd();
    expect(await launchd.register(mac.spec)).toBeNull();
    expect(await launchd.stop()).toBeNull();
    await mac.manager.run(["launchctl", "disable", `gui/${UID}/${LABEL}`]);
    const state = await launchd.state();
    expect([state.enabled, state.notes.length]).toEqual([false, 1]);
    expect(await launchd.start()).toBeNull();
    expect(await launchd.state()).toMatchObject({ enabled: true, running: true, notes: [] });
  });

  posixTest("runs without a graphical session, and says so", async () => {
    await using mac = await Mac.open({ gui: false });
    const launchd = mac.launchd();
    expect(await launchd.unavailable()).toBeNull();
    expect(await launchd.register(mac.spec)).toBeNull();
    const state = await launchd.state();
    expect([state.running, state.notes.length]).toEqual([true, 1]);
    expect(mac.manager.asked).toContain(`launchctl bootstrap user/${UID} ${mac.plist}`);
    // Somebody has logged in on the screen since: it moves there, and is not there twice.
    await mac.manager.control({ gui: true });
    expect((await launchd.state()).running).toBe(true);
    expect(await launchd.restart()).toBeNull();
    expect((await launchd.state()).notes).toEqual([]);
  });

  posixTest("is not for root, nor for what it would end half way", async () => {
    await using mac = await Mac.open();
    const root = mac.launchd({ user: { home: mac.home.path, uid: 0 } });
    expect(await root.unavailable()).toMatchObject({ code: "service.unavailable" });
    expect(await root.register(mac.spec)).toMatchObject({ code: "service.unavailable" });
    expect(await mac.launchd().register(mac.spec)).toBeNull();
    const { pid } = await mac.standsIn();
    const inside = mac.launchd({ environment: { XPC_SERVICE_NAME: LABEL } });
    expect(await inside.register(mac.spec)).toMatchObject({ code: "service.failed" });
    expect(await inside.unregister()).toMatchObject({ code: "service.failed" });
    expect((await mac.standsIn()).pid).toBe(pid);
    expect(await inside.restart()).toBeNull();
    await waitFor("another one", async () => (await mac.standsIn()).pid !== pid);
  });

  posixTest("takes the user's template", async () => {
    await using mac = await Mac.open();
    const template = mac.home.file("templates", "mcpd.plist");
    mkdirSync(dirname(template));
    writeFileSync(
      template,
      PLIST_TEMPLATE.replace("<integer>20</integer>", "<integer>5</integer>"),
    );
    expect(await mac.launchd().register(mac.spec)).toBeNull();
    expect(parsePlist(readFileSync(mac.plist, "utf8"))).toMatchObject({ ExitTimeOut: 5 });
    writeFileSync(template, "\n{{label}} {{labels}}\n");
    expect(await mac.launchd().register(mac.spec)).toMatchObject({
      code: "service.template",
      text: `Unknown placeholder {{labels}} in ${template}, line 2. Did you mean "label"?`,
    });
  });
});
