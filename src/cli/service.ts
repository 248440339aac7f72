import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { FaultError, isFault } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { pickService } from "../platform/pick-service.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import { systemTool } from "../platform/run.ts";
import type { BootstrapDoor, ServiceManager, ServiceSpec } from "../platform/service.ts";
import { detachBootstrap } from "./detached-bootstrap.ts";
import { askBootstrap, orNull, refuseRoot } from "./here.ts";

const LOGIN_PATH_MS = 5_000;
const ANSWER_MS = 2_000;
/** What decides where files are, as far as a shell may know it and a service manager not. */
const PLACES = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];

/** The service manager of this user: the one place where one is chosen. */
export async function serviceHere(platform: Platform): Promise<ServiceManager> {
  const bootstrap = bootstrapDoor(platform);
  return await pickService(platform, process.env, {
    run: systemTool,
    clock: systemClock,
    bootstrap,
  });
}

/** The same, for commands that are of no use without one. Throws why there is none. */
export async function usableService(platform: Platform): Promise<ServiceManager> {
  refuseRoot();
  const service = await serviceHere(platform);
  const problem = await service.unavailable();
  if (problem !== null) throw new FaultError(problem);
  return service;
}

/** What the service runs: the installed copy if we are it, else this very program. */
export async function serviceSpec(
  platform: Platform,
  config: string | undefined,
): Promise<{ readonly spec: ServiceSpec; readonly installed: boolean }> {
  const own = Bun.isStandaloneExecutable ? realpathSync(process.execPath) : process.execPath;
  const installed = installedCopy(own);
  const script = Bun.isStandaloneExecutable ? [] : [Bun.main];
  const spec = await specOf(platform, config, installed ?? own, script);
  return { spec, installed: installed !== null };
}

/** A service that runs the bootstrap of this program. */
export async function specOf(
  platform: Platform,
  config: string | undefined,
  program: string,
  script: readonly string[] = [],
): Promise<ServiceSpec> {
  const { paths } = platform;
  const flags = config === undefined ? [] : ["--config", resolve(config)];
  const path = await platform.loginPath(LOGIN_PATH_MS);
  return {
    program,
    arguments: [...script, ...bootstrapWords(platform), ...flags],
    workingDir: paths.stateDir,
    path: path ?? process.env["PATH"] ?? "",
    environment: placesOf(process.env, platform.name),
    logFile: join(paths.logsDir, "bootstrap.log"),
  };
}

/** The bootstrap on its socket. */
export function bootstrapDoor(platform: Platform): BootstrapDoor {
  return {
    pid: async () => (await orNull(askBootstrap("mcpd/bootstrap", ANSWER_MS)))?.pid ?? null,
    askToStop: async () => (await orNull(askBootstrap("mcpd/stop", ANSWER_MS))) !== null,
    async startInBackground(command) {
      const said = await detachBootstrap(platform, command);
      return isFault(said) ? said : null;
    },
  };
}

/** systemd says itself to those it starts that they are a service. */
function bootstrapWords(platform: Platform): readonly string[] {
  if (platform.name === "linux") return ["bootstrap"];
  // launchd writes what it prints into the bootstrap's own log, which has every line already.
  return ["bootstrap", "--service", ...(platform.name === "darwin" ? ["--quiet"] : [])];
}

/** <root>/bin/mcpd of the copy that this executable is a part of; null when it is none. */
function installedCopy(executable: string): string | null {
  const folder = dirname(executable);
  for (const root of [dirname(folder), dirname(dirname(folder))]) {
    const program = join(root, "bin", basename(executable));
    if (existsSync(join(root, "INSTALL_INFO")) && existsSync(program)) return program;
  }
  return null;
}

function placesOf(environment: Environment, system: Platform["name"]): Environment {
  const names = ["MCPD_CONFIG", ...(system === "linux" ? PLACES : [])];
  const set = names.filter((name) => (environment[name] ?? "") !== "");
  return Object.fromEntries(set.map((name) => [name, environment[name]]));
}
