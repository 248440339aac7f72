import type { Status } from "../control/api.ts";
import { ControlClient } from "../control/client.ts";
import type { BootstrapApi } from "../control/supervision.ts";
import { rootFault } from "../core/elevation.ts";
import { type FaultCode, FaultError } from "../core/fault.ts";
import { pickPlatform } from "../platform/pick.ts";
import type { Platform } from "../platform/platform.ts";

/** How long the daemon may take over questions that need no upstream. */
export const ANSWER_MS = 10_000;

/** The platform of whoever runs this command. */
export function here(): Platform {
  return pickPlatform(process.env);
}

/** Throws the fault of being root, unless that is permitted. */
export function refuseRoot(): void {
  const refused = rootFault(here().user, process.env);
  if (refused !== null) throw new FaultError(refused);
}

/** Runs `action` on a connection to the daemon. Throws daemon.unreachable when there is none. */
export async function withDaemon<T>(action: (daemon: ControlClient) => Promise<T>): Promise<T> {
  const daemon = await ControlClient.connect(here().paths.controlAddress);
  try {
    return await action(daemon);
  } finally {
    daemon.close();
  }
}

/** The state of the daemon. Throws daemon.unreachable when there is none. */
export async function daemonStatus(timeoutMs: number = ANSWER_MS): Promise<Status> {
  return await withDaemon((daemon) => daemon.request("mcpd/status", {}, { timeoutMs }));
}

/** What was asked for; null instead of a fault, or of that one alone if it is named. */
export async function orNull<T>(asked: Promise<T>, code?: FaultCode): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof FaultError && (code ?? error.fault.code) === error.fault.code) return null;
    throw error;
  }
}

/** Asks the bootstrap; null when none runs. Throws its faults, and the one of its silence. */
export async function askBootstrap<M extends keyof BootstrapApi>(
  method: M,
  timeoutMs: number = ANSWER_MS,
): Promise<BootstrapApi[M]["result"] | null> {
  const { bootstrapAddress } = here().paths;
  const connecting = ControlClient.connect<BootstrapApi>(bootstrapAddress);
  const bootstrap = await orNull(connecting, "daemon.unreachable");
  if (bootstrap === null) return null;
  return await bootstrap.request(method, {}, { timeoutMs }).finally(() => bootstrap.close());
}
