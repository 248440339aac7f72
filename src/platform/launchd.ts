import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { ensurePrivateDir, readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import { until } from "../lib/until.ts";
import { PLIST_TEMPLATE, PLIST_TEMPLATE_NAME, renderPlist } from "./launchd-plist.ts";
import type { Environment } from "./platform.ts";
import { saidBy, type ToolResult } from "./run.ts";
import { plainText, readTemplate } from "./service-template.ts";
import type {
  ServiceDefinition,
  ServiceHost,
  ServiceManager,
  ServiceSpec,
  ServiceState,
} from "./service.ts";
import { endBootstrap } from "./unkept.ts";

const LABEL = "dev.mcpd.daemon";
const LAUNCHCTL = "/bin/launchctl";
/** launchd reads no definition that others could have written. */
const PUBLIC_FILE = 0o644;
const POLL_MS = 100;
/** Ending is asynchronous and takes ExitTimeOut at worst. */
const GONE_MS = 30_000;
/** A label that is still going makes bootstrap fail with one of these, for seconds. */
const BUSY: readonly number[] = [5, 37];
const BUSY_MS = 15_000;
const BUSY_POLL_MS = 500;
const RUNNING_MS = 5_000;
const SETTLE_MS = 300;
/** No such process; not found; what newer systems say of a job not loaded; it is on its way. */
const NOT_LOADED: readonly number[] = [3, 113, 5, 36];
/** The domain is of another kind than the job: there is no GUI session. */
const NO_DOMAIN = 125;

export type LaunchdHost = ServiceHost & {
  readonly environment: Environment;
  readonly user: { readonly home: string; readonly uid: number };
  readonly templatesDir: string;
};

/** launchd: an agent of the user, in the session's domain, or the user's when there is none. */
export class Launchd implements ServiceManager {
  readonly name = "launchd";
  readonly label = LABEL;
  readonly #host: LaunchdHost;

  constructor(host: LaunchdHost) {
    this.#host = host;
  }

  get #plist(): string {
    return join(this.#host.user.home, "Library", "LaunchAgents", `${LABEL}.plist`);
  }

  async unavailable(): Promise<Fault | null> {
    const { uid } = this.#host.user;
    if (uid === 0) {
      return fault("service.unavailable", "Cannot use launchd: root has no agents of its own");
    }
    if ((await this.#domains()).length > 0) return null;
    const asked = await this.#launchctl("print", `user/${uid}`);
    return fault("service.unavailable", `Cannot use launchd: ${saidBy(asked)}`);
  }

  definition(spec: ServiceSpec): ServiceDefinition | Fault {
    const template = readTemplate(this.#host.templatesDir, PLIST_TEMPLATE_NAME, PLIST_TEMPLATE);
    if (isFault(template)) return template;
    const text = renderPlist(template, spec, LABEL);
    if (isFault(text)) return text;
    return { path: this.#plist, bytes: new TextEncoder().encode(text) };
  }

  async program(): Promise<string | null> {
    const text = readIfExists(this.#plist) ?? "";
    const first = /<key>ProgramArguments<\/key>\s*<array>\s*<string>([^<]+)</.exec(text)?.[1];
    return await Promise.resolve(first === undefined ? null : plainText(first));
  }

  async register(spec: ServiceSpec): Promise<Fault | null> {
    const definition = this.definition(spec);
    const problem = isFault(definition) ? definition : await this.unavailable();
    if (isFault(definition) || problem !== null) return problem;
    if (this.#isInside()) return inside("register it anew");
    const isNew = !existsSync(definition.path);
    const failed = (await this.#unload()) ?? this.#write(definition, spec) ?? (await this.#load());
    if (failed !== null && isNew) await this.unregister();
    return failed;
  }

  async unregister(): Promise<Fault | null> {
    if (this.#isInside()) return inside("take it out");
    const failed = await this.#unload();
    if (failed !== null) return failed;
    try {
      rmSync(this.#plist, { force: true });
      return null;
    } catch (error) {
      return fault("file.failed", `Cannot remove ${this.#plist}: ${reasonOf(error)}`, this.#plist);
    }
  }

  async start(): Promise<Fault | null> {
    const missing = await this.#missing();
    if (missing !== null) return missing;
    const { running } = await this.state();
    if (running) return null;
    // One that has ended in order stays loaded; loading it again also takes a changed definition.
    return (await this.#unload()) ?? (await this.#load());
  }

  async stop(): Promise<Fault | null> {
    return (await this.#missing()) ?? (await this.#unload());
  }

  async restart(): Promise<Fault | null> {
    const missing = await this.#missing();
    if (missing !== null) return missing;
    if (!this.#isInside()) return (await this.#unload()) ?? (await this.#load());
    // Unloading would end us before the loading.
    const [domain = ""] = await this.#domains();
    const asked = await this.#launchctl("kickstart", "-k", `${domain}/${LABEL}`);
    return asked.code === 0 ? null : failure("restart", asked);
  }

  async state(): Promise<ServiceState> {
    const registered = existsSync(this.#plist);
    const [domain, ...others] = await this.#domains();
    if (domain === undefined) {
      const detail = "unknown (launchd does not answer)";
      return { registered, enabled: registered, running: false, pid: null, detail, notes: [] };
    }
    const text = await this.#print([domain, ...others]);
    const of = (key: string): string | null =>
      new RegExp(`^\\s*${key} = (.+)$`, "m").exec(text ?? "")?.[1] ?? null;
    const pid = of("pid");
    const lastExit = of("last exit code");
    const ended =
      lastExit === null || lastExit.startsWith("(") ? "" : `, last exit code ${lastExit}`;
    const disabled = await this.#isDisabled(domain);
    return {
      registered: registered || text !== null,
      enabled: registered && !disabled,
      running: pid !== null,
      pid: pid === null ? null : Number(pid),
      detail: text === null ? "not loaded" : `${of("state") ?? "loaded"}${ended}`,
      notes: [
        ...(disabled && registered ? [DISABLED_NOTE] : []),
        ...(domain.startsWith("user/") && registered ? [NO_SESSION_NOTE] : []),
      ],
    };
  }

  /** What launchd says of the job, wherever it is loaded; null when it is not. */
  async #print(domains: readonly string[]): Promise<string | null> {
    for (const domain of domains) {
      const { code, stdout } = await this.#launchctl("print", `${domain}/${LABEL}`);
      if (code === 0) return stdout;
    }
    return null;
  }

  /** Ends it and waits until launchd has forgotten it: until then, it refuses to load it again. */
  async #unload(): Promise<Fault | null> {
    for (const domain of await this.#domains()) {
      const target = `${domain}/${LABEL}`;
      const isGone = async (): Promise<boolean> =>
        (await this.#launchctl("print", target)).code !== 0;
      if (await isGone()) continue;
      const asked = await this.#launchctl("bootout", target);
      if (asked.code !== 0 && !NOT_LOADED.includes(asked.code)) return failure("stop", asked);
      if (await until(this.#host.clock, { patienceMs: GONE_MS, pollMs: POLL_MS }, isGone)) continue;
      const wait = `${GONE_MS / 1000} s`;
      return fault("service.failed", `Cannot stop ${LABEL}: it is still there after ${wait}`);
    }
    return null;
  }

  async #load(): Promise<Fault | null> {
    const [domain] = await this.#domains();
    if (domain === undefined) return await this.unavailable();
    // One that runs without us: there is room for one.
    const kept = await endBootstrap(this.#host.bootstrap, this.#host.clock);
    if (kept !== null) return kept;
    // "Disabled" is remembered apart from the definition, also when that goes and comes.
    await this.#launchctl("enable", `${domain}/${LABEL}`);
    let asked = await this.#launchctl("bootstrap", domain, this.#plist);
    await until(this.#host.clock, { patienceMs: BUSY_MS, pollMs: BUSY_POLL_MS }, async () => {
      if (!BUSY.includes(asked.code)) return true;
      asked = await this.#launchctl("bootstrap", domain, this.#plist);
      return !BUSY.includes(asked.code);
    });
    if (asked.code === NO_DOMAIN) {
      return fault("service.unavailable", `Cannot use launchd: ${saidBy(asked)}`);
    }
    if (asked.code !== 0) return failure("start", asked);
    // No kickstart: loading has started it, and it would be killed.
    return (await until(this.#host.clock, { patienceMs: RUNNING_MS, pollMs: POLL_MS }, () =>
      this.#staysUp(),
    ))
      ? null
      : await this.#dead();
  }

  /** launchd starts one that ends at once again and again: a look alone could find it alive. */
  async #staysUp(): Promise<boolean> {
    const { pid } = await this.state();
    if (pid === null) return false;
    await this.#host.clock.sleep(SETTLE_MS);
    return (await this.state()).pid === pid;
  }

  async #dead(): Promise<Fault> {
    const { detail } = await this.state();
    return fault("service.failed", `Cannot start ${LABEL}: launchd says ${detail}`);
  }

  #write(definition: ServiceDefinition, spec: ServiceSpec): Fault | null {
    try {
      mkdirSync(dirname(definition.path), { recursive: true });
      ensurePrivateDir(spec.workingDir);
      ensurePrivateDir(dirname(spec.logFile));
      writeFileAtomic(definition.path, definition.bytes, { mode: PUBLIC_FILE });
      return null;
    } catch (error) {
      const text = `Cannot write ${definition.path}: ${reasonOf(error)}`;
      return fault("file.failed", text, definition.path);
    }
  }

  async #missing(): Promise<Fault | null> {
    const problem = await this.unavailable();
    if (problem !== null) return problem;
    if (existsSync(this.#plist)) return null;
    return fault("service.missing", `launchd does not know ${LABEL}: there is no ${this.#plist}`);
  }

  async #isDisabled(domain: string): Promise<boolean> {
    const { stdout } = await this.#launchctl("print-disabled", domain);
    // "disabled" in newer systems, "true" in older ones.
    return new RegExp(`"${LABEL}" => (disabled|true)`).test(stdout);
  }

  /** Where a job of this user may be: with a graphical session, and without. */
  async #domains(): Promise<readonly string[]> {
    const { uid } = this.#host.user;
    const found: string[] = [];
    for (const domain of [`gui/${uid}`, `user/${uid}`]) {
      if ((await this.#launchctl("print", domain)).code === 0) found.push(domain);
    }
    return found;
  }

  /** True for what the service itself has started: ending it would end us. */
  #isInside(): boolean {
    return this.#host.environment["XPC_SERVICE_NAME"] === LABEL;
  }

  async #launchctl(...words: readonly string[]): Promise<ToolResult> {
    return await this.#host.run([LAUNCHCTL, ...words]);
  }
}

const DISABLED_NOTE = {
  text: "It is switched off in the system's list of login items",
  hint: "Switch it on: mcpd daemon start",
};
const NO_SESSION_NOTE = {
  text: "It runs outside of a graphical session",
  hint: "Log in on the screen and run 'mcpd daemon restart' to move it there",
};

function failure(verb: string, asked: ToolResult): Fault {
  return fault("service.failed", `Cannot ${verb} ${LABEL}: ${saidBy(asked)}`);
}

function inside(what: string): Fault {
  const text = `Cannot ${what} from inside the service: it would end this command half way`;
  return fault("service.failed", text);
}
