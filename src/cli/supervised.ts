import { join } from "node:path";

import type { BootstrapStatus } from "../control/supervision.ts";
import { type Fault, fault, type FaultCode, FaultError, FAULTS, isFault } from "../core/fault.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { reasonOf } from "../lib/files.ts";
import { formatDuration } from "../lib/text.ts";
import type { Platform } from "../platform/platform.ts";
import { startDetached } from "../supervise/detached.ts";
import { askBootstrap, here } from "./here.ts";
import { ownProgram } from "./own-program.ts";

/** A bootstrap that has not said within this time that it supervises is given up. */
const SAY_MS = 10_000;
const LOOK_EVERY_MS = 20;

/** Brings up what the service manager keeps; the fault says why it cannot. */
export type StartService = () => Promise<Fault | null>;

/** How the user's service is started; null when none is registered. */
async function serviceOf(platform: Platform): Promise<StartService | null> {
  const { serviceHere } = await import("./service.ts");
  const service = await serviceHere(platform);
  const { registered } = await service.state();
  if (!registered || (await service.unavailable()) !== null) return null;
  return () => service.start();
}

/** What a bootstrap says first. */
export type Announcement = { readonly pid: number; readonly version: string };

type Said = Announcement | { readonly error: { readonly code: string; readonly message: string } };

/** Sees to it that a bootstrap runs: the service's, or one in the background. */
export async function ensureBootstrap(config: string | undefined): Promise<Fault | null> {
  if ((await askBootstrap("mcpd/bootstrap")) !== null) return null;
  const service = await serviceOf(here());
  if (service !== null) return await service();
  const said = await detachBootstrap(config);
  // Somebody else was quicker: then that one runs.
  return isFault(said) && said.code !== "daemon.running" ? said : null;
}

/** Starts a bootstrap that outlives us, and resolves once it supervises. */
export async function detachBootstrap(config: string | undefined): Promise<Announcement | Fault> {
  const { paths, user, name } = here();
  const flags = config === undefined ? [] : ["--config", config];
  try {
    const started = startDetached({
      command: [...ownProgram(), "bootstrap", "--quiet", "--json", ...flags],
      cwd: user.home,
      environment: process.env,
      logFile: join(paths.logsDir, "bootstrap.log"),
      windows: name === "windows",
    });
    const late = systemClock.sleep(SAY_MS).then(() => null);
    const said = (await Promise.race([started, late])) as Said | null;
    if (said === null) return missing("its bootstrap ended at once, see 'mcpd logs --bootstrap'");
    if (!("error" in said)) return said;
    const { code, message } = said.error;
    return fault(isCode(code) ? code : "internal", message);
  } catch (error) {
    return missing(`it cannot be started: ${reasonOf(error)}`);
  }
}

/**
 * Waits until the supervised server is ready, and gives its bootstrap's status, or the fault that
 * keeps it from it: at once when the server has said why it cannot start.
 */
export async function untilReady(
  timeoutMs: number,
  clock: Clock = systemClock,
): Promise<BootstrapStatus | Fault> {
  const deadlineMs = clock.monotonic() + timeoutMs;
  for (;;) {
    // A service that was just started has no socket yet.
    const status = await askBootstrap("mcpd/bootstrap");
    if (status?.server.state === "ready") return status;
    const obstacle = status === null ? null : obstacleIn(status);
    if (obstacle !== null) return obstacle;
    if (clock.monotonic() > deadlineMs) return tooLate(status, timeoutMs);
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** Waits until nothing is left to ask, or `gone` says so. False when it takes too long. */
export async function untilGone(
  gone: (status: BootstrapStatus | null) => boolean,
  timeoutMs: number,
  clock: Clock = systemClock,
): Promise<boolean> {
  const deadlineMs = clock.monotonic() + timeoutMs;
  while (!gone(await askBootstrap("mcpd/bootstrap").catch(orGone))) {
    if (clock.monotonic() > deadlineMs) return false;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return true;
}

/** A connection that broke while it answered: it has ended meanwhile. */
function orGone(error: unknown): null {
  if (error instanceof FaultError && error.fault.code === "daemon.unreachable") return null;
  throw error;
}

/** What the server said that keeps it from starting, or that it only crashes. */
function obstacleIn({ server, conditions }: BootstrapStatus): Fault | null {
  if (server.state === "disabled") return fault("daemon.disabled");
  if (server.state !== "waiting") return null;
  const error = conditions.find(({ severity, subject }) => severity === "error" && subject === "");
  if (error === undefined) return null;
  return isCode(error.name) ? fault(error.name, error.text) : missing(error.text);
}

function tooLate(status: BootstrapStatus | null, timeoutMs: number): Fault {
  const wait = formatDuration(timeoutMs);
  const last = status?.server.lastExit ?? null;
  const state = status === null ? "its bootstrap does not run" : `it is ${status.server.state}`;
  const why = last === null ? "" : `, the last one ended: ${last}`;
  return fault("exchange.timed-out", `The server is not ready after ${wait}: ${state}${why}`);
}

function missing(why: string): Fault {
  return fault("daemon.unreachable", `The daemon is not running: ${why}`);
}

function isCode(code: string): code is FaultCode {
  return Object.hasOwn(FAULTS, code);
}
