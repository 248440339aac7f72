import type { BootstrapStatus } from "../control/supervision.ts";
import { type Fault, fault, FaultError, isFault } from "../core/fault.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { formatDuration } from "../lib/text.ts";
import { until } from "../lib/until.ts";
import type { Platform } from "../platform/platform.ts";
import { detachBootstrap, isCode } from "./detached-bootstrap.ts";
import { askBootstrap, here } from "./here.ts";
import { ownProgram } from "./own-program.ts";

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

/** Sees to it that a bootstrap runs: the service's, or one in the background. */
export async function ensureBootstrap(config: string | undefined): Promise<Fault | null> {
  if ((await askBootstrap("mcpd/bootstrap")) !== null) return null;
  const platform = here();
  const service = await serviceOf(platform);
  if (service !== null) return await service();
  const said = await detachBootstrap(platform, bootstrapCommand(config));
  // Somebody else was quicker: then that one runs.
  return isFault(said) && said.code !== "daemon.running" ? said : null;
}

/** The words of a bootstrap in the background, for detachBootstrap(). */
export function bootstrapCommand(config: string | undefined): readonly string[] {
  return [...ownProgram(), "bootstrap", ...(config === undefined ? [] : ["--config", config])];
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
  const patience = { patienceMs: timeoutMs, pollMs: LOOK_EVERY_MS };
  const ask = async () => gone(await askBootstrap("mcpd/bootstrap").catch(orGone));
  return await until(clock, patience, ask);
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
