import type { BootstrapStatus } from "../control/supervision.ts";
import type { Fault } from "../core/fault.ts";
import type { Keeper } from "../install/machine.ts";
import { systemClock } from "../lib/clock.ts";
import { processesIn } from "../platform/installed.ts";
import type { Platform } from "../platform/platform.ts";
import type { ServiceSpec } from "../platform/service.ts";
import { endBootstrap } from "../platform/unkept.ts";
import { askBootstrap, orNull } from "./here.ts";
import { bootstrapDoor } from "./service.ts";

/** Starts a bootstrap that no service manager keeps; one that runs ends first. */
export async function startInBackground(
  platform: Platform,
  { program, arguments: words }: ServiceSpec,
): Promise<Fault | null> {
  const door = bootstrapDoor(platform);
  const command = [program, ...words.filter((word) => word !== "--service")];
  return (await endBootstrap(door, systemClock)) ?? (await door.startInBackground(command));
}

/**
 * The bootstrap of the copy in a directory where no service manager keeps it. One of another copy,
 * or with another config, does not count: nobody has asked to touch it.
 */
export function backgroundKeeper(platform: Platform, directory: string, config: string): Keeper {
  const ours = async ({ service, pid, config: { path } }: BootstrapStatus): Promise<boolean> =>
    !service &&
    path === config &&
    (await processesIn(platform, directory, process.env)).includes(pid);
  return {
    name: "the bootstrap",
    label: "the bootstrap in the background",
    async state() {
      const status = await orNull(askBootstrap("mcpd/bootstrap"));
      const running = status !== null && (await ours(status));
      return { registered: running, running, pid: running ? status.pid : null };
    },
    register: async (spec) => await startInBackground(platform, spec),
  };
}
