import { type Fault, fault, FaultError } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { endBootstrap } from "../platform/unkept.ts";
import { startInBackground } from "./background.ts";
import type { CommandContext } from "./command.ts";
import { openConfig } from "./config-file.ts";
import { here, refuseRoot } from "./here.ts";
import { bootstrapDoor, serviceHere, serviceSpec } from "./service.ts";
import { warnWhenOff } from "./switched-off.ts";

type Verb = "start" | "stop" | "restart";

const DOING: { readonly [V in Verb]: string } = {
  start: "Starting",
  stop: "Stopping",
  restart: "Restarting",
};
const DONE: { readonly [V in Verb]: string } = {
  start: "runs",
  stop: "is stopped",
  restart: "runs again",
};

/**
 * Starts or stops the service; where none is registered, a bootstrap in the background instead
 * (MISSION C3).
 */
export async function steer(
  verb: Verb,
  { options, output }: CommandContext<object>,
): Promise<number> {
  refuseRoot();
  const platform = here();
  const service = await serviceHere(platform);
  const isService = (await service.unavailable()) === null && (await service.state()).registered;
  const name = isService ? service.label : "The bootstrap";
  const problem = await output.busy(`${DOING[verb]} ${name}`, async () =>
    isService ? await service[verb]() : await steerBackground(verb, options.config),
  );
  if (problem !== null) throw new FaultError(problem);
  const pid = isService ? (await service.state()).pid : await bootstrapDoor(platform).pid();
  if (options.json) output.json({ service: isService ? service.label : null, pid });
  else if (!options.quiet) output.print(sentence(verb, name, pid));
  if (verb !== "stop") warnWhenOff(openConfig(options.config), output);
  return 0;
}

function sentence(verb: Verb, name: string, pid: number | null): string {
  return `${name} ${DONE[verb]}${pid === null ? "" : ` (pid ${pid})`}`;
}

async function steerBackground(verb: Verb, config: string | undefined): Promise<Fault | null> {
  const platform = here();
  const door = bootstrapDoor(platform);
  const runs = (await door.pid()) !== null;
  if (verb === "stop" && !runs) return fault("daemon.unreachable");
  if (verb === "stop") return await endBootstrap(door, systemClock);
  if (verb === "start" && runs) return null;
  const { spec } = await serviceSpec(platform, config);
  return await startInBackground(platform, spec);
}
