import { ControlClient } from "../control/client.ts";
import type { BootstrapApi } from "../control/supervision.ts";
import { type Fault, fault, FaultError } from "../core/fault.ts";
import { pickPlatform } from "../platform/pick.ts";
import type { Platform } from "../platform/platform.ts";

/** How long the daemon may take over questions that need no upstream. */
export const ANSWER_MS = 10_000;

/** The platform of whoever runs this command. */
export function here(): Platform {
  return pickPlatform(process.env);
}

/**
 * The fault of being root: a daemon runs other people's programs with our rights, and what it wrote
 * to a home kept by sudo would be closed to its owner (MISSION A2). Null when it is permitted.
 */
export function rootFault(): Fault | null {
  const permitted = !here().user.elevated || process.env["MCPD_ALLOW_ROOT"] === "1";
  return permitted ? null : fault("daemon.root");
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

/** Asks the bootstrap; null when none runs. Throws its faults, and the one of its silence. */
export async function askBootstrap<M extends keyof BootstrapApi>(
  method: M,
  timeoutMs: number = ANSWER_MS,
): Promise<BootstrapApi[M]["result"] | null> {
  let bootstrap: ControlClient<BootstrapApi>;
  try {
    bootstrap = await ControlClient.connect<BootstrapApi>(here().paths.bootstrapAddress);
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === "daemon.unreachable") return null;
    throw error;
  }
  return await bootstrap.request(method, {}, { timeoutMs }).finally(() => bootstrap.close());
}
