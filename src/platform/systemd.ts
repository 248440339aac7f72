import { existsSync, lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { ensurePrivateDir, readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import { saidBy, type ToolResult } from "./run.ts";
import { readTemplate } from "./service-template.ts";
import type {
  ServiceDefinition,
  ServiceHost,
  ServiceManager,
  ServiceSpec,
  ServiceState,
} from "./service.ts";
import { Systemctl, type SystemctlHost } from "./systemctl.ts";
import { renderUnit, type StartType, UNIT_TEMPLATE, UNIT_TEMPLATE_NAME } from "./systemd-unit.ts";
import { endBootstrap } from "./unkept.ts";

const UNIT = "mcpd.service";
const PUBLIC_FILE = 0o644;
const LINGER_DIRECTORY = "/var/lib/systemd/linger";
const PROPERTIES = "LoadState,ActiveState,SubState,MainPID,NRestarts,Result,UnitFileState";

export type SystemdHost = SystemctlHost &
  Pick<ServiceHost, "clock" | "bootstrap"> & {
    readonly templatesDir: string;
    readonly startType: StartType;
  };

/** `systemd --user`: the unit mcpd.service of the user's own manager. */
export class Systemd implements ServiceManager {
  readonly name = "systemd";
  readonly label = UNIT;
  readonly lingering = { enable: () => this.#enableLinger() };
  readonly #host: SystemdHost;
  readonly #tools: Systemctl;
  #unitDir: string;

  private constructor(host: SystemdHost) {
    this.#host = host;
    this.#tools = new Systemctl(host);
    this.#unitDir = join(host.user.home, ".config", "systemd", "user");
  }

  /** Asks the manager where it looks for units: its XDG_CONFIG_HOME need not be that of a shell. */
  static async create(host: SystemdHost): Promise<Systemd> {
    const systemd = new Systemd(host);
    await systemd.#tools.compareHomes();
    const { code, stdout } = await systemd.#tools.systemctl("show", "-p", "UnitPath", "--value");
    const places = code === 0 ? stdout.trim().split(/ (?=\/)/) : [];
    const own = places.find((place) => place.endsWith("/systemd/user"));
    if (own !== undefined && !/^\/(etc|usr|run)\//.test(own)) systemd.#unitDir = own;
    return systemd;
  }

  get #unitFile(): string {
    return join(this.#unitDir, UNIT);
  }

  async unavailable(): Promise<Fault | null> {
    const absent = this.#tools.absent();
    if (absent !== null) return fault("service.unavailable", `Cannot use systemd: ${absent}`);
    const asked = await this.#tools.systemctl("show", "-p", "Version", "--value");
    if (asked.code === 0) return null;
    return fault("service.unavailable", `Cannot use systemd: ${saidBy(asked)}`);
  }

  definition(spec: ServiceSpec): ServiceDefinition | Fault {
    const template = readTemplate(this.#host.templatesDir, UNIT_TEMPLATE_NAME, UNIT_TEMPLATE);
    if (isFault(template)) return template;
    const text = renderUnit(template, spec, this.#host.startType);
    if (isFault(text)) return text;
    return { path: this.#unitFile, bytes: new TextEncoder().encode(text) };
  }

  async program(): Promise<string | null> {
    const text = readIfExists(this.#unitFile) ?? "";
    const program = /^ExecStart="([^"]+)"/m.exec(text)?.[1]?.replaceAll("%%", "%");
    return await Promise.resolve(program ?? null);
  }

  async register(spec: ServiceSpec): Promise<Fault | null> {
    const definition = this.definition(spec);
    const problem = isFault(definition) ? definition : await this.unavailable();
    if (isFault(definition) || problem !== null) return problem;
    const isNew = !existsSync(definition.path);
    const failed =
      this.#write(definition, spec.workingDir) ??
      (await this.#makeRoom()) ??
      (await this.#enableAndStart());
    if (failed !== null && isNew) await this.unregister();
    return failed;
  }

  async unregister(): Promise<Fault | null> {
    // From inside, stopping takes us along: everything else comes first.
    const inside = isInside();
    if (this.#tools.absent() === null) {
      await this.#tools.systemctl("disable", UNIT);
      if (!inside) await this.#job("stop");
    }
    try {
      rmSync(this.#unitFile, { force: true });
      const wants = join(this.#unitDir, "default.target.wants");
      // Without a manager nobody else takes the link away.
      rmSync(join(wants, UNIT), { force: true });
      for (const place of [wants, this.#unitDir, dirname(this.#unitDir)]) removeIfEmpty(place);
    } catch (error) {
      const text = `Cannot remove ${this.#unitFile}: ${reasonOf(error)}`;
      return fault("file.failed", text, this.#unitFile);
    }
    if (this.#tools.absent() !== null) return null;
    await this.#tools.systemctl("daemon-reload");
    if (inside) await this.#job("stop");
    await this.#tools.systemctl("reset-failed", UNIT);
    const { registered, running, detail } = await this.state();
    if (!registered && !running) return null;
    return inside ? null : fault("service.failed", `Cannot take ${UNIT} out: it is ${detail}`);
  }

  async start(): Promise<Fault | null> {
    return (await this.#missing()) ?? (await this.#makeRoom()) ?? (await this.#jobFault("start"));
  }

  async stop(): Promise<Fault | null> {
    return (await this.#missing()) ?? (await this.#jobFault("stop"));
  }

  async restart(): Promise<Fault | null> {
    const missing = await this.#missing();
    if (missing !== null) return missing;
    const kept = await this.#makeRoom();
    if (kept !== null) return kept;
    await this.#tools.systemctl("daemon-reload");
    return await this.#jobFault("restart");
  }

  async state(): Promise<ServiceState> {
    const asked = await this.#tools.systemctl("show", UNIT, "-p", PROPERTIES);
    if (asked.code !== 0) return this.#stateOfFiles(saidBy(asked));
    const values = new Map(asked.stdout.split("\n").map(pair));
    const of = (name: string): string => values.get(name) ?? "";
    const pid = Number(of("MainPID"));
    const registered = of("LoadState") !== "not-found";
    return {
      registered,
      enabled: /^(enabled|linked|generated)/.test(of("UnitFileState")),
      running: pid > 0 && /^(active|activating|reloading)$/.test(of("ActiveState")),
      pid: pid > 0 ? pid : null,
      detail: detailOf(of),
      notes: registered ? this.#notes() : [],
    };
  }

  #stateOfFiles(why: string): ServiceState {
    const exists = (...parts: readonly string[]): boolean =>
      lstatSync(join(this.#unitDir, ...parts), { throwIfNoEntry: false }) !== undefined;
    const registered = exists(UNIT);
    return {
      registered,
      enabled: exists("default.target.wants", UNIT),
      running: false,
      pid: null,
      detail: registered ? `unknown (${why})` : "not registered",
      notes: registered ? this.#notes() : [],
    };
  }

  #notes(): ServiceState["notes"] {
    const { name } = this.#host.user;
    if (existsSync(join(LINGER_DIRECTORY, name))) return [];
    const text = "It ends when you log out of this machine, and starts when you log in";
    return [{ text, hint: `To keep it running: loginctl enable-linger ${name}` }];
  }

  #write(definition: ServiceDefinition, workingDir: string): Fault | null {
    try {
      mkdirSync(dirname(definition.path), { recursive: true });
      writeFileAtomic(definition.path, definition.bytes, { mode: PUBLIC_FILE });
      // systemd starts nothing in a directory that is not there.
      ensurePrivateDir(workingDir);
      return null;
    } catch (error) {
      const text = `Cannot write ${definition.path}: ${reasonOf(error)}`;
      return fault("file.failed", text, definition.path);
    }
  }

  /** Ends a bootstrap that runs without us: there is room for one. */
  async #makeRoom(): Promise<Fault | null> {
    const { bootstrap, clock } = this.#host;
    return (await this.state()).running ? null : await endBootstrap(bootstrap, clock);
  }

  async #enableAndStart(): Promise<Fault | null> {
    await this.#tools.systemctl("daemon-reload");
    const enabled = await this.#tools.systemctl("enable", UNIT);
    if (enabled.code !== 0) {
      return fault("service.failed", `Cannot enable ${UNIT}: ${saidBy(enabled)}`);
    }
    // It starts one that does not run.
    return await this.#jobFault("restart");
  }

  async #missing(): Promise<Fault | null> {
    const problem = await this.unavailable();
    if (problem !== null) return problem;
    const { registered } = await this.state();
    return registered ? null : fault("service.missing", `systemd does not know ${UNIT}`);
  }

  async #jobFault(verb: "start" | "stop" | "restart"): Promise<Fault | null> {
    const job = await this.#job(verb);
    if (job.code === 0) return null;
    const { detail } = await this.state();
    return fault("service.failed", `Cannot ${verb} ${UNIT} (${detail}): ${saidBy(job)}`);
  }

  async #job(verb: "start" | "stop" | "restart"): Promise<ToolResult> {
    return await this.#tools.systemctl(verb, ...(isInside() ? ["--no-block"] : []), UNIT);
  }

  async #enableLinger(): Promise<Fault | null> {
    const { name } = this.#host.user;
    if (existsSync(join(LINGER_DIRECTORY, name))) return null;
    // The name is needed: outside of a session, loginctl does not know who asks.
    const asked = await this.#tools.tool("loginctl", "--no-ask-password", "enable-linger", name);
    if (asked.code === 0) return null;
    return fault("service.linger", `Cannot let ${name} linger: ${saidBy(asked)}`, name);
  }
}

/** True for a process of the service itself: what stops the service ends it as well. */
function isInside(): boolean {
  try {
    return readFileSync("/proc/self/cgroup", "utf8").includes(`/${UNIT}`);
  } catch {
    return false;
  }
}

function detailOf(of: (name: string) => string): string {
  if (of("LoadState") === "not-found") return "not registered";
  if (of("LoadState") !== "loaded") return `not loadable (${of("LoadState")})`;
  const restarts = Number(of("NRestarts"));
  const failed = of("Result") === "success" ? "" : `, last result ${of("Result")}`;
  const restarted = restarts > 0 ? `, restarted ${restarts} times` : "";
  return `${of("ActiveState")} (${of("SubState")})${restarted}${failed}`;
}

function pair(line: string): [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It holds units of others, or is not there.
  }
}
