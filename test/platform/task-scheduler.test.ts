import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { isFault } from "../../src/core/fault.ts";
import { subsystemOf } from "../../src/platform/pe.ts";
import type { BootstrapDoor, ServiceSpec } from "../../src/platform/service.ts";
import { TaskScheduler, type TaskSchedulerHost } from "../../src/platform/task-scheduler.ts";
import { renderTask, TASK_TEMPLATE } from "../../src/platform/task-xml.ts";
import { complaints, find, parseTask } from "../fixtures/service-managers/task-schema.ts";
import { FakeManager, FAKES, type StandIn, standIn } from "../helpers/fake-manager.ts";
import { hastyClock } from "../helpers/hand-clock.ts";
import { portableExecutable } from "../helpers/portable-executable.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor } from "../helpers/wait.ts";

const SID = "S-1-5-21-1004336348-1177238915-682003330-1001";
const NAME = `mcpd-${SID}`;

/** A Windows machine, as far as Task Scheduler shows it, and the adapter. */
class Pc implements AsyncDisposable {
  readonly home = new TemporaryDirectory();
  readonly spec: ServiceSpec;
  readonly door: BootstrapDoor;
  /** What was started without Task Scheduler. */
  readonly background: (readonly string[])[] = [];
  #manager: FakeManager | null = null;

  private constructor() {
    const programs = this.home.file("Programme & Zoë");
    this.spec = {
      program: join(programs, "mcpd.exe"),
      arguments: ["bootstrap", "--config", 'a "quoted" <name>'],
      workingDir: this.home.file("state"),
      path: "",
      logFile: this.home.file("bootstrap.log"),
    };
    mkdirSync(programs);
    mkdirSync(this.spec.workingDir);
    writeFileSync(this.spec.program, portableExecutable());
    this.door = {
      pid: () => Promise.resolve(this.standIn?.pid ?? null),
      // What the bootstrap does when its socket is asked, the stand-in does at SIGTERM.
      askToStop: () => Promise.resolve(process.kill(this.standIn?.pid ?? 0, "SIGTERM")),
      startInBackground: async (command) => {
        this.background.push(command);
        await this.manager.control({ logon: true });
        return null;
      },
    };
  }

  static async open(settings: object = {}): Promise<Pc> {
    const pc = new Pc();
    const program = [process.execPath, "run", join(FAKES, "standin.ts")];
    pc.#manager = await FakeManager.start("task-scheduler.ts", pc.home, SID, ...program);
    await pc.#manager.control({ runDirectory: pc.spec.workingDir, ...settings });
    return pc;
  }

  get manager(): FakeManager {
    if (this.#manager === null) throw new Error("it is not open");
    return this.#manager;
  }

  get standIn(): StandIn | null {
    return standIn(this.spec.workingDir);
  }

  async scheduler(changes: Partial<TaskSchedulerHost> = {}): Promise<TaskScheduler> {
    return await TaskScheduler.create({
      run: this.manager.run,
      clock: hastyClock(10),
      bootstrap: this.door,
      systemDir: "C:\\Windows\\System32",
      stateDir: this.spec.workingDir,
      templatesDir: this.home.file("templates"),
      ...changes,
    });
  }

  setMode(mode: string): void {
    writeFileSync(join(this.spec.workingDir, "mode"), mode);
  }

  async another(pid: number | undefined): Promise<StandIn> {
    return await waitFor("another one", () => {
      const found = this.standIn;
      return found !== null && found.pid !== pid && found;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#manager?.[Symbol.asyncDispose]();
    this.home[Symbol.dispose]();
  }
}

const SPEC: ServiceSpec = {
  program: "C:\\Users\\Zoë & Co\\mcpd\\bin\\mcpdw.exe",
  arguments: ["bootstrap"],
  workingDir: "C:\\Users\\Zoë & Co\\mcpd",
  path: "",
  logFile: "C:\\bootstrap.log",
};

describe("renderTask()", () => {
  const bytes = renderTask({ text: TASK_TEMPLATE, path: null }, SPEC, SID);
  if (isFault(bytes)) throw new Error(bytes.text);

  test("writes UTF-16LE with a mark and CRLF, by the rules of the schema", () => {
    expect([...bytes.subarray(0, 4)]).toEqual([0xff, 0xfe, 0x3c, 0]);
    expect(complaints(parseTask(bytes))).toEqual([]);
  });

  test("names its user, needs no rights, and comes back", () => {
    const task = parseTask(bytes);
    const text = (...path: readonly string[]): string | undefined => find(task, ...path)[0]?.text;
    expect(text("Triggers", "LogonTrigger", "UserId")).toBe(SID);
    expect(text("Triggers", "TimeTrigger", "Repetition", "Interval")).toBe("PT5M");
    expect(text("Principals", "Principal", "UserId")).toBe(SID);
    expect(text("Principals", "Principal", "LogonType")).toBe("InteractiveToken");
    expect(text("Principals", "Principal", "RunLevel")).toBe("LeastPrivilege");
    expect(text("Settings", "ExecutionTimeLimit")).toBe("PT0S");
    expect(text("Settings", "MultipleInstancesPolicy")).toBe("IgnoreNew");
    expect(text("Settings", "DisallowStartIfOnBatteries")).toBe("false");
    expect(text("Actions", "Exec", "Command")).toBe(`"${SPEC.program}"`);
    expect(text("Actions", "Exec", "WorkingDirectory")).toBe(SPEC.workingDir);
  });

  test("is held by rules that see mistakes", () => {
    const mistakes: readonly (readonly [string, string])[] = [
      ['version="1.3"', 'version="9"'],
      ["<Priority>5<", "<Priority>11<"],
      ["<Count>255<", "<Count>256<"],
      ["<Interval>PT5M<", "<Interval>5 minutes<"],
      ["IgnoreNew", "Ignore"],
      ["<Hidden>", "<Hiden>"],
      ["</Hidden>", "</Hiden>"],
      ["2020-01-01T00:00:00", "2020-01-01"],
      ['Context="Author"', 'Context="Nobody"'],
    ];
    const right = new TextDecoder("utf-16le").decode(bytes);
    for (const [from, to] of mistakes) {
      const wrong = new Uint8Array(Buffer.from(`\ufeff${right.replace(from, to)}`, "utf16le"));
      const found = (): number => complaints(parseTask(wrong)).length;
      const broken = from.includes("Hid");
      if (broken) expect(found).toThrow();
      else expect([from, found()]).toEqual([from, 1]);
    }
    expect(() => parseTask(new TextEncoder().encode(right))).toThrow("UTF-16LE");
  });

  test("refuses a path that no command can hold", () => {
    const template = { text: TASK_TEMPLATE, path: null };
    for (const program of ['C:\\a"b\\mcpdw.exe', "C:\\a\nb\\mcpdw.exe"]) {
      expect(renderTask(template, { ...SPEC, program }, SID)).toMatchObject({
        code: "service.path",
      });
    }
  });
});

describe("TaskScheduler", () => {
  posixTest("registers a task that runs now, without a window, and after the logon", async () => {
    await using pc = await Pc.open();
    const scheduler = await pc.scheduler();
    expect([scheduler.label, await scheduler.unavailable()]).toEqual([NAME, null]);
    expect((await scheduler.state()).registered).toBe(false);
    expect(await scheduler.program()).toBeNull();
    expect(await scheduler.register(pc.spec)).toBeNull();
    const state = await scheduler.state();
    expect(state).toMatchObject({ registered: true, enabled: true, running: true, notes: [] });
    expect(await scheduler.program()).toBe(pc.spec.program);
    expect(pc.standIn).toMatchObject({
      pid: state.pid,
      cwd: pc.spec.workingDir,
      words: pc.spec.arguments,
    });
    const programs = join(pc.spec.program, "..");
    expect(readdirSync(programs).sort()).toEqual(["mcpd.exe", "mcpdw.exe"]);
    expect(subsystemOf(readFileSync(pc.spec.program))).toBe("console");
    expect(subsystemOf(readFileSync(join(programs, "mcpdw.exe")))).toBe("windows");
  });

  posixTest("has a killed one started again by its heartbeat", async () => {
    await using pc = await Pc.open();
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    const { pid } = pc.standIn ?? {};
    process.kill(pid ?? 0, "SIGKILL");
    expect((await pc.another(pid)).words).toEqual(pc.spec.arguments);
  });

  posixTest("stops it in order, and it stays down", async () => {
    await using pc = await Pc.open({ heartbeatMs: 20 });
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    expect(await scheduler.stop()).toBeNull();
    const events = readFileSync(join(pc.spec.workingDir, "events.txt"), "utf8");
    expect(events).toEndWith("asked to end\n");
    await pc.manager.control({ logon: true });
    const state = await scheduler.state();
    expect(state).toMatchObject({ registered: true, enabled: false, running: false });
    expect(state.notes.map(({ hint }) => hint)).toEqual(["Start it again: mcpd daemon start"]);
    expect(await scheduler.stop()).toBeNull();
    expect(await scheduler.start()).toBeNull();
    expect(await scheduler.state()).toMatchObject({ enabled: true, running: true, notes: [] });
    expect(await scheduler.start()).toBeNull();
  });

  posixTest("ends one by force that does not end", async () => {
    await using pc = await Pc.open();
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    pc.setMode("stubborn");
    expect(await scheduler.stop()).toBeNull();
    expect(pc.standIn).toBeNull();
    expect(pc.manager.asked).toContain(`schtasks /End /TN ${NAME}`);
  });

  posixTest("restarts it, though /Run does nothing while it runs", async () => {
    await using pc = await Pc.open();
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    const { pid } = pc.standIn ?? {};
    expect(await scheduler.restart()).toBeNull();
    const again = await pc.another(pid);
    expect(await scheduler.register({ ...pc.spec, arguments: ["anew"] })).toBeNull();
    expect((await pc.another(again.pid)).words).toEqual(["anew"]);
  });

  posixTest("takes it out without a trace", async () => {
    await using pc = await Pc.open({ heartbeatMs: 20 });
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    expect(await scheduler.unregister()).toBeNull();
    expect(pc.standIn).toBeNull();
    expect(await scheduler.state()).toMatchObject({ registered: false, running: false });
    expect(readdirSync(join(pc.spec.program, ".."))).toEqual(["mcpd.exe"]);
    expect(readdirSync(pc.spec.workingDir).sort()).toEqual(["events.txt", "standin.json"]);
    expect(await scheduler.unregister()).toBeNull();
    for (const verb of ["start", "stop", "restart"] as const) {
      expect(await scheduler[verb]()).toMatchObject({ code: "service.missing" });
    }
  });

  posixTest("uses the Run key where tasks are denied, and says so", async () => {
    await using pc = await Pc.open({ denied: true });
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    const state = await scheduler.state();
    expect(state).toMatchObject({ registered: true, enabled: true, running: true });
    expect(state.notes[0]?.text).toStartWith("Task Scheduler refused the task");
    const windowless = join(pc.spec.program, "..", "mcpdw.exe");
    expect(pc.background).toEqual([[windowless, ...pc.spec.arguments]]);
    const { pid } = state;
    expect(await scheduler.restart()).toBeNull();
    expect((await scheduler.state()).pid).not.toBe(pid);
    expect(await scheduler.stop()).toBeNull();
    expect((await scheduler.state()).running).toBe(false);
    // The policy changes: the task takes the place of the key.
    await pc.manager.control({ denied: false });
    expect(await scheduler.register(pc.spec)).toBeNull();
    expect((await scheduler.state()).notes).toEqual([]);
    expect(await scheduler.unregister()).toBeNull();
    expect(await scheduler.state()).toMatchObject({ registered: false });
  });

  posixTest("tells what Task Scheduler says when it refuses", async () => {
    await using pc = await Pc.open();
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    await pc.manager.control({ changeDenied: true });
    expect(await scheduler.stop()).toMatchObject({
      code: "service.failed",
      text: "Task Scheduler refuses to disable the task: ERREUR : Accès refusé.",
    });
    expect(pc.standIn).not.toBeNull();
  });

  posixTest("takes the user's template, and does not hide what is wrong with it", async () => {
    await using pc = await Pc.open();
    mkdirSync(pc.home.file("templates"));
    const template = pc.home.file("templates", "mcpd-task.xml");
    const mine = TASK_TEMPLATE.replace("PT5M", "PT1M");
    // As Windows' own editor may save it.
    writeFileSync(template, Buffer.from(`\ufeff${mine.replaceAll("\n", "\r\n")}`, "utf16le"));
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toBeNull();
    const definition = readFileSync(join(pc.spec.workingDir, "mcpd-task.xml"));
    const [interval] = find(
      parseTask(definition),
      "Triggers",
      "TimeTrigger",
      "Repetition",
      "Interval",
    );
    expect(interval?.text).toBe("PT1M");
    expect(await scheduler.unregister()).toBeNull();
    writeFileSync(template, mine.replace("<Priority>5<", "<Priority>high<"));
    const problem = await scheduler.register(pc.spec);
    expect(problem?.text).toContain('Task/Settings/Priority is "high"');
    expect(await scheduler.state()).toMatchObject({ registered: false });
  });

  posixTest("leaves nothing registered when the program does not start", async () => {
    await using pc = await Pc.open({ heartbeatMs: 60_000 });
    pc.setMode("fail");
    const scheduler = await pc.scheduler();
    expect(await scheduler.register(pc.spec)).toMatchObject({
      code: "service.failed",
      text: `Cannot start ${NAME}: no answer after 20 s`,
    });
    expect(await scheduler.state()).toMatchObject({ registered: false, running: false });
    writeFileSync(pc.spec.program, "#!/bin/sh\n");
    expect((await scheduler.register(pc.spec))?.text).toEndWith("is no executable of Windows");
    expect(existsSync(join(pc.spec.workingDir, "mcpd-task.xml"))).toBe(false);
  });

  posixTest("is of no use where nobody can tell who you are", async () => {
    await using pc = await Pc.open();
    const run = (): Promise<{ code: number; stdout: string; stderr: string }> =>
      Promise.resolve({ code: 1, stdout: "", stderr: "" });
    const scheduler = await pc.scheduler({ run });
    expect(await scheduler.unavailable()).toMatchObject({ code: "service.unavailable" });
    expect(await scheduler.register(pc.spec)).toMatchObject({ code: "service.unavailable" });
  });
});
