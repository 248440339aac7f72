import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { Fault } from "../../src/core/fault.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import { type InstallOptions, planInstall } from "../../src/install/install.ts";
import { layoutOf } from "../../src/install/layout.ts";
import type { Machine } from "../../src/install/machine.ts";
import { readInstalled } from "../../src/install/state.ts";
import { applySteps, type Step, type StepListener } from "../../src/install/steps.ts";
import { planUpgrade, type Source } from "../../src/install/upgrade.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { linuxPlatform } from "../../src/platform/linux.ts";
import { runProgram } from "../../src/platform/run.ts";
import type { ServiceManager, ServiceState } from "../../src/platform/service.ts";

export const COMMIT = "0123456789ab";

/** A program that answers like mcpd; `sick` makes it one that never comes up as a service. */
export function writeProgram(path: string, version: string, sick = false): string {
  mkdirSync(dirname(path), { recursive: true });
  const text = [
    "#!/bin/sh",
    'case "$1" in',
    `--version) echo "mcpd ${version}" ;;`,
    `version) echo '{ "commit": "${COMMIT}" }' ;;`,
    `bootstrap) exit ${sick ? 70 : 0} ;;`,
    "esac",
    "",
  ];
  writeFileSync(path, text.join("\n"));
  chmodSync(path, 0o755);
  return path;
}

/** Time that passes when somebody sleeps, and only then. */
function quickClock(): Clock {
  let now = Date.UTC(2026, 0, 1);
  return {
    now: () => now,
    monotonic: () => now,
    after: () => ({ cancel: () => undefined }),
    every: () => ({ cancel: () => undefined }),
    sleep: async (delayMs) => {
      now += delayMs;
      await Promise.resolve();
    },
  };
}

type Kept = { readonly registered: boolean; readonly version: string | null };

/**
 * A service manager whose memory is a file, so that it outlives who asks it. It starts what is at
 * the stable path; a program that fails does not come up.
 */
export class FakeService implements ServiceManager {
  readonly name = "systemd";
  readonly label = "mcpd.service";
  readonly #file: string;
  readonly #program: string;
  /** The program that is registered; a test may say that it is another one. */
  registered: string;
  /** So often has this one started it. */
  starts = 0;

  constructor(home: string, program: string) {
    this.registered = program;
    this.#file = join(home, "service.json");
    this.#program = program;
  }

  get kept(): Kept {
    return existsSync(this.#file)
      ? JSON.parse(readFileSync(this.#file, "utf8"))
      : { registered: false, version: null };
  }

  unavailable = async (): Promise<Fault | null> => await Promise.resolve(null);

  definition(): { path: string; bytes: Uint8Array } | Fault {
    if (!this.#program.includes("\n")) return { path: this.#file, bytes: new Uint8Array() };
    return fault("file.failed", "Cannot name a path with a line end");
  }

  async program(): Promise<string | null> {
    return await Promise.resolve(this.kept.registered ? this.registered : null);
  }

  async register(): Promise<Fault | null> {
    this.#keep({ registered: true, version: null });
    return await this.start();
  }

  async unregister(): Promise<Fault | null> {
    rmSync(this.#file, { force: true });
    return await Promise.resolve(null);
  }

  async start(): Promise<Fault | null> {
    this.starts++;
    const run = async (word: string): ReturnType<typeof runProgram> =>
      await runProgram([this.#program, word], 5_000);
    const { exitCode } = await run("bootstrap");
    const version = (await run("--version")).output.trim().replace("mcpd ", "");
    this.#keep({ registered: true, version: exitCode === 0 ? version : null });
    return null;
  }

  async stop(): Promise<Fault | null> {
    this.#keep({ ...this.kept, version: null });
    return await Promise.resolve(null);
  }

  async restart(): Promise<Fault | null> {
    return await this.start();
  }

  async state(): Promise<ServiceState> {
    const { registered, version } = this.kept;
    const running = version !== null;
    const pid = running && this.starts > 0 ? this.starts : null;
    const state = { registered, enabled: registered, running, pid, detail: "", notes: [] };
    return await Promise.resolve(state);
  }

  #keep(kept: Kept): void {
    writeFileSync(this.#file, JSON.stringify(kept));
  }
}

export type BenchOptions = {
  readonly service?: boolean;
  /** Over the environment of an ordinary user. */
  readonly environment?: { readonly [name: string]: string };
};

/** A home in a directory, and the machine as installing sees it. */
export class Bench {
  readonly home: string;
  readonly machine: Machine;
  readonly service: FakeService;

  constructor(home: string, version: string, options: BenchOptions = {}) {
    this.home = home;
    const environment = {
      HOME: home,
      PATH: "/usr/bin:/bin",
      SHELL: "/bin/sh",
      ...options.environment,
    };
    const runtimeDir = join(home, "run");
    mkdirSync(runtimeDir, { recursive: true });
    const { paths } = linuxPlatform({ ...environment, XDG_RUNTIME_DIR: runtimeDir });
    const layout = layoutOf(paths);
    this.service = new FakeService(home, layout.program);
    const download = join(home, "download", version, "mcpd");
    this.machine = {
      layout,
      paths,
      user: { name: "somebody", home, elevated: false },
      environment,
      clock: quickClock(),
      self: {
        version,
        commit: COMMIT,
        executable: existsSync(download) ? download : writeProgram(download, version),
      },
      config: null,
      service: options.service === false ? null : this.service,
      background: this.service,
      userPath: null,
      serviceSpec: async () =>
        await Promise.resolve({
          program: layout.program,
          arguments: ["bootstrap"],
          workingDir: paths.stateDir,
          path: "/usr/bin:/bin",
          logFile: join(paths.logsDir, "bootstrap.log"),
        }),
      insideService: async () => await Promise.resolve(false),
      run: runProgram,
      beginTrial: async () => await Promise.resolve(),
      endTrial: () => undefined,
      daemonVersion: async () => await Promise.resolve(this.service.kept.version),
      daemonTrouble: async () => await Promise.resolve(null),
      daemonEnabled: () => true,
      provideConfig: async () => await this.#write(paths.configFile, "{}\n"),
      provideKey: async () => await this.#write(paths.apiKeyFile, "mcpd_key\n"),
      askToStop: async () => await Promise.resolve(),
      processesIn: async () => await Promise.resolve([]),
      signal: async () => await Promise.resolve(),
      removeLater: () => undefined,
      freeBytes: () => 1e12,
    };
  }

  /** Installs what this bench's machine runs. */
  async install(
    options: Partial<InstallOptions> = {},
    listener?: StepListener,
    machine: Machine = this.machine,
  ): Promise<Fault | null> {
    const wish = { allowDowngrade: false, modifyPath: false, ...options };
    const plan = planInstall(machine, wish);
    return isFault(plan) ? plan : await apply(plan.steps, listener);
  }

  /** Upgrades to a program of this version, or to another source. */
  async upgrade(
    version: string,
    options: { readonly source?: Source; readonly allowDowngrade?: boolean } = {},
    listener?: StepListener,
  ): Promise<Fault | null> {
    const path = join(this.home, "download", version, "mcpd");
    const file = { kind: "file", version, path } as const;
    if (!existsSync(path)) writeProgram(path, version);
    const steps = planUpgrade(
      this.machine,
      options.source ?? file,
      options.allowDowngrade === true,
    );
    return isFault(steps) ? steps : await apply(steps, listener);
  }

  /** What somebody finds who looks at the disk and asks the service. */
  async found(): Promise<object> {
    const { layout } = this.machine;
    const { info, versions, leftovers, torn } = readInstalled(layout);
    return {
      program: (await runProgram([layout.program, "--version"], 5_000)).output.trim(),
      stated: existsSync(layout.versionFile) ? readFileSync(layout.versionFile, "utf8").trim() : "",
      receipt: info?.version ?? null,
      previous: info?.previous ?? null,
      versions: [...versions].sort(),
      leftovers,
      torn,
      service: this.service.kept,
    };
  }

  async #write(path: string, text: string): Promise<null> {
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) writeFileSync(path, text, { mode: 0o600 });
    return await Promise.resolve(null);
  }
}

/** What a whole install of a version leaves. */
export function whole(version: string, previous: string | null = null): object {
  return {
    program: `mcpd ${version}`,
    stated: version,
    receipt: version,
    previous,
    versions: previous === null ? [version] : [previous, version].sort(),
    leftovers: [],
    torn: false,
    service: { registered: true, version },
  };
}

async function apply(steps: readonly Step[], listener?: StepListener): Promise<Fault | null> {
  const outcome = await applySteps(steps, listener);
  if (outcome.kind === "done") return null;
  const { fault: problem, step, undone, stuck } = outcome;
  return { ...problem, data: { ...problem.data, step, undone, stuck } };
}
