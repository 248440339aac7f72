import { ControlClient } from "../control/client.ts";
import { pickPlatform } from "../platform/pick.ts";
import type { Platform } from "../platform/platform.ts";

/** How long the daemon may take over questions that need no upstream. */
export const ANSWER_MS = 10_000;

/** The platform of whoever runs this command. */
export function here(): Platform {
  return pickPlatform(process.env);
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
