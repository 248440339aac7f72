/** A scene in a temporary home, in which everything is in order but for what a test spoils. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Journal } from "../../src/clients/journal.ts";
import type { Link } from "../../src/clients/link.ts";
import { defaultRevision, readConfig } from "../../src/config/resolve.ts";
import type { Status } from "../../src/control/api.ts";
import type { BootstrapStatus } from "../../src/control/supervision.ts";
import { isFault } from "../../src/core/fault.ts";
import type { Scene } from "../../src/doctor/scene.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import type { ServiceManager, ServiceSpec, ServiceState } from "../../src/platform/service.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

export const RUNNING: ServiceState = {
  registered: true,
  enabled: true,
  running: true,
  pid: 4711,
  detail: "active (running)",
  notes: [],
};

/** A home with nothing in it but what a test writes. */
export class SceneHome implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly environment: { readonly [name: string]: string };
  readonly platform: Scene["platform"];

  constructor() {
    const { path } = this.directory;
    mkdirSync(join(path, "run"), { mode: 0o700 });
    this.environment = {
      HOME: path,
      PATH: process.env["PATH"] ?? "",
      XDG_RUNTIME_DIR: join(path, "run"),
      SHLVL: "1",
    };
    this.platform = pickPlatform(this.environment);
  }

  write(path: string, text: string, mode = 0o600): string {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode });
    return path;
  }

  /** A scene with this config, and with the rest as a test says. */
  scene(config: object | string | null = {}, rest: Partial<Scene> = {}): Scene {
    const { platform, environment } = this;
    const path = platform.paths.configFile;
    const text = typeof config === "string" ? config : JSON.stringify(config ?? {});
    if (config !== null) this.write(path, text);
    const loaded = readConfig(text, path, platform, 1);
    const revision = isFault(loaded) ? defaultRevision(platform) : loaded;
    const link: Link = { program: ["/opt/mcpd/bin/mcpd"], flags: [], http: null };
    const home = platform.user.home;
    const where = { system: platform.name, home, environment, project: null } as const;
    const journal = new Journal(join(platform.paths.keptDir, "backups"), systemClock);
    return {
      platform,
      clock: systemClock,
      version: "1.0.0",
      environment,
      project: null,
      config: { path, loaded, revision },
      status: null,
      bootstrap: null,
      service: { manager: manager({}), spec: SPEC },
      clients: { where, link, journal },
      processes: [],
      signal: new AbortController().signal,
      freeBytes: () => 1e12,
      start: async () => null,
      ...rest,
    };
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

export const SPEC: ServiceSpec = {
  program: process.execPath,
  arguments: ["bootstrap"],
  workingDir: "/",
  path: "/usr/bin:/bin",
  logFile: "/dev/null",
};

/** A service manager that has this state, and takes down what it is asked to do. */
export function manager(
  state: Partial<ServiceState>,
  more: Partial<ServiceManager> & { readonly asked?: string[] } = {},
): ServiceManager {
  const note = (verb: string) => async () => {
    more.asked?.push(verb);
    return null;
  };
  return {
    name: "systemd",
    label: "mcpd.service",
    unavailable: async () => null,
    definition: () => ({ path: "/nowhere", bytes: new Uint8Array() }),
    register: note("register"),
    unregister: note("unregister"),
    start: note("start"),
    stop: note("stop"),
    restart: note("restart"),
    program: async () => SPEC.program,
    state: async () => ({ ...RUNNING, registered: false, running: false, pid: null, ...state }),
    ...more,
  };
}

/** What a daemon in good order says. */
export function status(rest: Partial<Status> = {}): Status {
  return {
    version: "1.0.0",
    pid: process.pid,
    startedAtMs: Date.now() - 60_000,
    uptimeMs: 60_000,
    verdict: "healthy",
    urls: null,
    auth: "api_key",
    config: { path: null, revision: 1, hash: "", warnings: 0 },
    sessions: 0,
    inFlight: 0,
    requests: 0,
    errors: 0,
    residentBytes: 0,
    upstreams: [],
    conditions: [],
    ...rest,
  };
}

/** What a bootstrap says whose server is ready. */
export function bootstrap(rest: Partial<BootstrapStatus> = {}): BootstrapStatus {
  return {
    version: "1.0.0",
    pid: 1,
    startedAtMs: 0,
    service: false,
    config: { path: "", enabled: true },
    server: {
      state: "ready",
      pid: 2,
      version: "1.0.0",
      urls: null,
      restarts: 0,
      lastExit: null,
    },
    conditions: [],
    ...rest,
  };
}
