import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { beginTrial, endTrial } from "../control/trial.ts";
import { type Fault, isFault } from "../core/fault.ts";
import { type Layout, layoutOf } from "../install/layout.ts";
import type { Machine } from "../install/machine.ts";
import { readInfo } from "../install/state.ts";
import { urlHost } from "../lib/address.ts";
import { systemClock } from "../lib/clock.ts";
import { errorCode } from "../lib/files.ts";
import { freeBytes, insideService, processesIn } from "../platform/installed.ts";
import type { Paths, Platform } from "../platform/platform.ts";
import { removeLater } from "../platform/remove-later.ts";
import { runProgram } from "../platform/run.ts";
import type { ServiceSpec } from "../platform/service.ts";
import { endBootstrap } from "../platform/unkept.ts";
import { RegistryPath } from "../platform/user-path.ts";
import { COMMIT, VERSION } from "../version.ts";
import { backgroundKeeper } from "./background.ts";
import { inForce, openConfig } from "./config-file.ts";
import { daemonStatus, here, orNull } from "./here.ts";
import { bootstrapDoor, serviceHere, specOf } from "./service.ts";

const HEALTH_ANSWER_MS = 2_000;

type Wish = {
  readonly config: string | undefined;
  /** --prefix: where the programs are, if not where they usually are. */
  readonly prefix: string | undefined;
  /** "registered": also one that cannot be used now, when it has our service. */
  readonly service: "none" | "usable" | "registered";
};

/** This machine as installing sees it, and a remark when it has no usable service manager. */
export async function machineHere(
  wish: Wish,
): Promise<{ readonly machine: Machine; readonly note: string | null }> {
  const layout = layoutAt(here().paths, wish.prefix);
  // An upgrade asks the daemon that the install has set up, not the one of this terminal.
  const config = openConfig(wish.config ?? readInfo(layout)?.config ?? undefined);
  const { platform, discovery } = config;
  const { paths, user } = platform;
  const told = ["flag", "environment"].includes(discovery.origin) ? discovery.path : null;
  const executable = Bun.isStandaloneExecutable ? realpathSync(process.execPath) : null;
  const { service, note } = await usableService(platform, layout, wish.service);
  let spec: Promise<ServiceSpec> | null = null;
  const machine: Machine = {
    layout,
    paths,
    user,
    environment: process.env,
    clock: systemClock,
    self: { version: VERSION, commit: COMMIT, executable },
    // A service knows nothing of this terminal's flags and environment.
    config: told,
    service,
    background: backgroundKeeper(platform, layout.root, discovery.path),
    userPath: platform.name === "windows" ? new RegistryPath(process.env) : null,
    // Asking the login shell for PATH may take seconds.
    serviceSpec: async () => await (spec ??= specOf(platform, told ?? undefined, layout.program)),
    insideService: async () => service !== null && insideService(service.label, process.env),
    run: runProgram,
    beginTrial: async () => await beginTrial(platform),
    endTrial: () => endTrial(platform),
    daemonVersion,
    daemonTrouble,
    daemonEnabled: () => inForce(config).daemon.enabled,
    provideConfig: async () => faultOrNull(await config.store.createDefault()),
    provideKey: async () => {
      if (inForce(config).daemon.apiKeyFile !== paths.apiKeyFile) return null;
      const { loadKey } = await import("../server/key.ts");
      return faultOrNull(loadKey({ env: undefined, file: paths.apiKeyFile }));
    },
    // One that does not listen is ended by the signals that follow.
    askToStop: async () => void (await endBootstrap(bootstrapDoor(platform), systemClock)),
    processesIn: async (directory) => await processesIn(platform, directory, process.env),
    signal: async (pid, signal) => await signalOne(platform, pid, signal),
    removeLater: (programs) => removeLater(platform, process.env, programs, dirname(layout.root)),
    freeBytes,
  };
  return { machine, note };
}

/** Of --prefix; else of the installed copy that runs this command; else the usual place. */
function layoutAt(paths: Paths, prefix: string | undefined): Layout {
  const file = basename(paths.program);
  const at = (root: string): Layout =>
    layoutOf({ programsDir: root, program: join(root, "bin", file) });
  if (prefix !== undefined) return at(resolve(prefix));
  const usual = layoutOf(paths);
  if (!Bun.isStandaloneExecutable) return usual;
  const folder = dirname(realpathSync(process.execPath));
  // <root>/bin/mcpd or <root>/versions/<version>/mcpd.
  for (const root of [dirname(folder), dirname(dirname(folder))]) {
    const own = at(root);
    if (readInfo(own) !== null) return root === usual.root ? usual : own;
  }
  return usual;
}

async function usableService(
  platform: Platform,
  layout: Layout,
  wanted: Wish["service"],
): Promise<{ readonly service: Machine["service"]; readonly note: string | null }> {
  const service = wanted === "none" ? null : await serviceHere(platform);
  const unavailable = service === null ? null : await service.unavailable();
  if (unavailable === null) return { service, note: null };
  const ours = wanted === "registered" && (readInfo(layout)?.service ?? null) !== null;
  return { service: ours ? service : null, note: unavailable.text };
}

/** Of our own daemon, at the address it says itself: another may have the port of the config. */
async function daemonVersion(): Promise<string | null> {
  const status = await orNull(daemonStatus(HEALTH_ANSWER_MS));
  if (status === null) return null;
  if (status.urls === null) {
    // It serves its bridges, and goes on trying: no other version of it would get the port either.
    const isTaken = status.conditions.some(({ name }) => name === "port.in-use");
    return isTaken ? status.version : null;
  }
  const { hostname, port } = new URL(status.urls.health);
  try {
    const signal = AbortSignal.timeout(HEALTH_ANSWER_MS);
    // A proxy from the environment has no business on loopback.
    const answer = await fetch(`http://${urlHost(hostname)}:${port}/health`, { signal, proxy: "" });
    const { version } = (await answer.json()) as { readonly version?: unknown };
    return typeof version === "string" ? version : null;
  } catch {
    return null;
  }
}

async function daemonTrouble(): Promise<string | null> {
  const status = await orNull(daemonStatus(HEALTH_ANSWER_MS));
  return status?.conditions.find(({ severity }) => severity === "error")?.text ?? null;
}

async function signalOne(
  platform: Platform,
  pid: number,
  signal: "terminate" | "kill",
): Promise<void> {
  if (platform.name === "windows") return await platform.signalTree(pid, signal);
  try {
    process.kill(pid, signal === "terminate" ? "SIGTERM" : "SIGKILL");
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

function faultOrNull(value: object | boolean): Fault | null {
  return isFault(value) ? value : null;
}
