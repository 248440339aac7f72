import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { ensurePrivateDir, reasonOf, writeFileAtomic } from "../lib/files.ts";
import { until } from "../lib/until.ts";
import { withoutConsole } from "./pe.ts";
import { RunKey } from "./run-key.ts";
import { saidBy, type ToolResult } from "./run.ts";
import { plainText, readTemplate } from "./service-template.ts";
import type {
  ServiceDefinition,
  ServiceHost,
  ServiceManager,
  ServiceSpec,
  ServiceState,
} from "./service.ts";
import { renderTask, TASK_TEMPLATE, TASK_TEMPLATE_NAME } from "./task-xml.ts";

/** How long the bootstrap may take to end its server, then itself. */
const END_MS = 20_000;
const START_MS = 20_000;
const POLL_MS = 100;

export type TaskSchedulerHost = ServiceHost & {
  /** C:\Windows\System32: the tools are never looked for on PATH. */
  readonly systemDir: string;
  readonly stateDir: string;
  readonly templatesDir: string;
};

/** Windows' Task Scheduler: one task of the user, whose name holds who that is. */
export class TaskScheduler implements ServiceManager {
  readonly name = "task-scheduler";
  readonly label: string;
  readonly #host: TaskSchedulerHost;
  readonly #sid: string | null;
  readonly #runKey: RunKey;

  private constructor(host: TaskSchedulerHost, sid: string | null) {
    this.#host = host;
    this.#sid = sid;
    // Tasks of all users share one list of names.
    this.label = `mcpd-${sid ?? "unknown"}`;
    this.#runKey = new RunKey(host.run, host.systemDir);
  }

  /** Asks who we are: by number, since names are ambiguous on machines without a domain. */
  static async create(host: TaskSchedulerHost): Promise<TaskScheduler> {
    const whoami = join(host.systemDir, "whoami.exe");
    const { stdout } = await host.run([whoami, "/user", "/fo", "csv", "/nh"]);
    return new TaskScheduler(host, /S-1-[0-9-]+/.exec(stdout)?.[0] ?? null);
  }

  get #definitionFile(): string {
    return join(this.#host.stateDir, "mcpd-task.xml");
  }

  async unavailable(): Promise<Fault | null> {
    if (this.#sid !== null) return null;
    const text = "Cannot use Task Scheduler: whoami does not tell who you are";
    return fault("service.unavailable", text);
  }

  definition(spec: ServiceSpec): ServiceDefinition | Fault {
    const template = readTemplate(this.#host.templatesDir, TASK_TEMPLATE_NAME, TASK_TEMPLATE);
    if (isFault(template)) return template;
    const program = windowless(spec.program);
    const bytes = renderTask(template, { ...spec, program }, this.#sid ?? "");
    return isFault(bytes) ? bytes : { path: this.#definitionFile, bytes };
  }

  async program(): Promise<string | null> {
    const program = programIn(this.#definitionFile);
    return await Promise.resolve(program?.replace(/w\.exe$/i, ".exe") ?? null);
  }

  async register(spec: ServiceSpec): Promise<Fault | null> {
    const definition = this.definition(spec);
    const problem = isFault(definition) ? definition : await this.unavailable();
    if (isFault(definition) || problem !== null) return problem;
    const isNew = !(await this.state()).registered;
    if (await this.#isTask()) await this.#disable();
    const failed =
      (await this.#end()) ??
      this.#write(definition, spec) ??
      (await this.#create(definition, spec)) ??
      (await this.start());
    if (failed !== null && isNew) await this.unregister();
    return failed;
  }

  async unregister(): Promise<Fault | null> {
    const hasKey = await this.#runKey.exists();
    if (await this.#isTask()) await this.#disable();
    const failed = await this.#end();
    if (failed !== null) return failed;
    if (await this.#isTask()) {
      const deleted = await this.#schtasks("/Delete", "/F");
      if (deleted.code !== 0) return refused("delete", deleted);
    }
    if (hasKey) await this.#runKey.remove();
    const copy = programIn(this.#definitionFile);
    if (copy !== null) removeUnused(copy);
    rmSync(this.#definitionFile, { force: true });
    return null;
  }

  async start(): Promise<Fault | null> {
    if (!(await this.#isTask())) return await this.#startWithoutTask();
    const enabled = await this.#schtasks("/Change", "/ENABLE");
    if (enabled.code !== 0) return refused("enable", enabled);
    const started = await this.#schtasks("/Run");
    if (started.code !== 0) return refused("run", started);
    return await this.#untilItAnswers();
  }

  async stop(): Promise<Fault | null> {
    if (await this.#isTask()) {
      // First of all, or the heartbeat starts it again.
      const disabled = await this.#disable();
      if (disabled.code !== 0) return refused("disable", disabled);
    } else if (!(await this.#runKey.exists())) {
      return this.#missing();
    }
    return await this.#end();
  }

  async restart(): Promise<Fault | null> {
    const { registered } = await this.state();
    if (!registered) return this.#missing();
    return (await this.#end()) ?? (await this.start());
  }

  async state(): Promise<ServiceState> {
    const pid = await this.#host.bootstrap.pid();
    const asked = await this.#schtasks("/Query", "/XML", "ONE");
    if (asked.code !== 0) return await this.#stateOfRunKey(pid);
    // The tags are in every language the same; what /Query says without /XML is not.
    const settings = /<Settings>[\s\S]*<\/Settings>/.exec(asked.stdout)?.[0] ?? "";
    const enabled = !/<Enabled>\s*false\s*<\/Enabled>/.test(settings);
    const running = pid !== null;
    const detail = running ? "running" : enabled ? "ready, not running" : "disabled, not running";
    const notes = enabled ? [] : [STOPPED_NOTE];
    return { registered: true, enabled, running, pid, detail, notes };
  }

  async #stateOfRunKey(pid: number | null): Promise<ServiceState> {
    const registered = await this.#runKey.exists();
    const running = registered && pid !== null;
    const detail = registered ? (running ? "running" : "not running") : "not registered";
    const notes = registered ? [RUN_KEY_NOTE] : [];
    const shown = running ? pid : null;
    return { registered, enabled: registered, running, pid: shown, detail, notes };
  }

  #write(definition: ServiceDefinition, { program, workingDir }: ServiceSpec): Fault | null {
    try {
      ensurePrivateDir(dirname(definition.path));
      ensurePrivateDir(workingDir);
      writeFileAtomic(definition.path, definition.bytes);
      return writeWindowless(program);
    } catch (error) {
      const text = `Cannot write ${definition.path}: ${reasonOf(error)}`;
      return fault("file.failed", text, definition.path);
    }
  }

  /**
   * Policies may keep users from having tasks; the tool's words are in the language of the system,
   * so any refusal of our own definition counts as that.
   */
  async #create(definition: ServiceDefinition, spec: ServiceSpec): Promise<Fault | null> {
    const created = await this.#schtasks("/Create", "/XML", definition.path, "/F");
    if (created.code === 0) {
      await this.#runKey.remove();
      return null;
    }
    const own = readTemplate(this.#host.templatesDir, TASK_TEMPLATE_NAME, TASK_TEMPLATE);
    if (isFault(own) || own.path !== null) return refused("create", created);
    const added = await this.#runKey.add([windowless(spec.program), ...spec.arguments]);
    return added.code === 0 ? null : refused("create", created);
  }

  async #startWithoutTask(): Promise<Fault | null> {
    const command = await this.#runKey.program();
    if (command === null) return this.#missing();
    const { bootstrap } = this.#host;
    if ((await bootstrap.pid()) !== null) return null;
    return (await bootstrap.startInBackground(command)) ?? (await this.#untilItAnswers());
  }

  /** Ends the bootstrap in order; by force when it does not. */
  async #end(): Promise<Fault | null> {
    const { bootstrap } = this.#host;
    const pid = await bootstrap.pid();
    const isGone = async (): Promise<boolean> => (await bootstrap.pid()) === null;
    if (
      pid !== null &&
      (await bootstrap.askToStop()) &&
      (await until(this.#host.clock, { patienceMs: END_MS, pollMs: POLL_MS }, isGone))
    ) {
      return null;
    }
    // Also one that no longer answers: to end what does not run is no error here.
    if (await this.#isTask()) await this.#schtasks("/End");
    if (await until(this.#host.clock, { patienceMs: END_MS, pollMs: POLL_MS }, isGone)) return null;
    return fault("service.failed", `Cannot stop ${this.label}: process ${pid} goes on`);
  }

  /** /Run says that it was asked for, not that it has worked. */
  async #untilItAnswers(): Promise<Fault | null> {
    const answers = async (): Promise<boolean> => (await this.#host.bootstrap.pid()) !== null;
    if (await until(this.#host.clock, { patienceMs: START_MS, pollMs: POLL_MS }, answers))
      return null;
    const wait = `${START_MS / 1000} s`;
    return fault("service.failed", `Cannot start ${this.label}: no answer after ${wait}`);
  }

  #missing(): Fault {
    return fault("service.missing", `Task Scheduler does not know ${this.label}`);
  }

  async #isTask(): Promise<boolean> {
    return (await this.#schtasks("/Query")).code === 0;
  }

  async #disable(): Promise<ToolResult> {
    return await this.#schtasks("/Change", "/DISABLE");
  }

  /** The tool, and not PowerShell's own: that one needs a session which services do not have. */
  async #schtasks(verb: string, ...words: readonly string[]): Promise<ToolResult> {
    const tool = join(this.#host.systemDir, "schtasks.exe");
    return await this.#host.run([tool, verb, "/TN", this.label, ...words]);
  }
}

const STOPPED_NOTE = {
  text: "It was stopped, and stays down also after the next login",
  hint: "Start it again: mcpd daemon start",
};
const RUN_KEY_NOTE = {
  text: "Task Scheduler refused the task: the Run key of your account starts it at login instead",
  hint: "It is not started again when it ends. Ask an administrator, then 'mcpd daemon install'",
};

/** mcpd.exe is for terminals; mcpdw.exe beside it is the same without a window. */
function windowless(program: string): string {
  return program.replace(/(\.exe)?$/i, "w.exe");
}

/** A running program can be renamed but not written to: an old one steps aside. */
function writeWindowless(program: string): Fault | null {
  const target = windowless(program);
  const bytes = withoutConsole(readFileSync(program));
  if (bytes === null) {
    const text = `Cannot make ${target}: ${program} is no executable of Windows`;
    return fault("file.failed", text, program);
  }
  const old = `${target}.old`;
  if (existsSync(target)) renameSync(target, old);
  writeFileAtomic(target, bytes, { mode: 0o755 });
  removeUnused(old);
  return null;
}

/** The windowless program that a definition names; null when there is no such definition. */
function programIn(definitionFile: string): string | null {
  try {
    const text = new TextDecoder("utf-16le").decode(readFileSync(definitionFile));
    const path = /<Command>&quot;(.+w\.exe)&quot;<\/Command>/i.exec(text)?.[1];
    return path === undefined ? null : plainText(path);
  } catch {
    return null;
  }
}

/** A program that still runs cannot be removed: the next one to come by does it. */
function removeUnused(program: string): void {
  try {
    rmSync(program, { force: true });
  } catch {
    // It runs.
  }
}

function refused(verb: string, asked: ToolResult): Fault {
  return fault("service.failed", `Task Scheduler refuses to ${verb} the task: ${saidBy(asked)}`);
}
