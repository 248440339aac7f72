import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { formatDuration } from "../lib/text.ts";
import type { ServiceManager } from "../platform/service.ts";
import type { Keeper, Machine } from "./machine.ts";
import { namesIn } from "./place.ts";
import { type Step, unlessInterrupted } from "./steps.ts";

/** A start with many upstreams on a slow disk; the upgrade is taken back after it. */
const HEALTH_MS = 30_000;
const LOOK_EVERY_MS = 200;

/**
 * Does nothing but remember: as the first step it is taken back last, when the old program is in
 * its place again, and a service that ran is started with it.
 */
export function rememberService(machine: Machine, keeper: Keeper): Step {
  return {
    title: `Note whether ${keeper.label} runs`,
    async apply() {
      const { registered, running, pid } = await keeper.state();
      if (!registered || !running) return null;
      return async () => {
        // Its clients would lose their sessions for an upgrade that never came to it.
        if (pid !== null && (await keeper.state()).pid === pid) return;
        throwing(await keeper.register(await machine.serviceSpec()));
      };
    },
  };
}

/** Registers and starts the service; it is taken out again when it was not there before. */
export function registerService(machine: Machine, service: ServiceManager): Step {
  return {
    title: `Register ${service.label} with ${service.name} and start it`,
    async apply(interrupt) {
      const { registered } = await service.state();
      if (registered) await machine.beginTrial();
      const failed = await startInTime(machine, service, machine.self.version, interrupt);
      if (registered) return failed;
      if (failed === null) return async () => throwing(await service.unregister());
      // What a half done registration has left would be started at the next login.
      await service.unregister();
      return failed;
    },
  };
}

/** Registers it again: the definition may be another one in this version, too. */
export function restartService(machine: Machine, keeper: Keeper, version: string): Step {
  return {
    title: `Restart ${keeper.label}`,
    // Its undo is that of rememberService: a restart is of use only with the old program in place.
    async apply(interrupt) {
      await machine.beginTrial();
      return await startInTime(machine, keeper, version, interrupt);
    },
  };
}

/**
 * A manager may wait for minutes for a program that hangs when it starts: it is not waited for that
 * long. What it is still doing then ends with the next thing that it is asked for.
 */
async function startInTime(
  machine: Machine,
  keeper: Keeper,
  version: string,
  interrupt: AbortSignal,
): Promise<Fault | null> {
  const { clock, layout, paths } = machine;
  const { promise: late, resolve } = Promise.withResolvers<Fault>();
  const limit = formatDuration(HEALTH_MS);
  const text = `mcpd ${version} does not come up: ${keeper.name} still waits for it after ${limit}`;
  const timer = clock.after(HEALTH_MS, () =>
    resolve(fault("install.unhealthy", text, layout.program)),
  );
  const spec = await machine.serviceSpec();
  const started = unlessInterrupted(keeper.register(spec), interrupt);
  const failed = await Promise.race([started, late]).finally(() => timer.cancel());
  if (failed === null || interrupt.aborted) return failed;
  return { ...failed, text: `${failed.text}${keepLogs(paths.logsDir, version)}` };
}

/**
 * Waits until the daemon answers with this version; keeps the logs when it does not. One that the
 * config has off answers nobody, and starts when that changes.
 */
export function verifyHealth(machine: Machine, version: string): Step {
  return {
    title: `Wait for mcpd ${version} to answer on /health`,
    async apply(interrupt) {
      if (!machine.daemonEnabled()) return null;
      const { clock } = machine;
      const deadline = clock.monotonic() + HEALTH_MS;
      for (;;) {
        const found = await unlessInterrupted(machine.daemonVersion(), interrupt);
        if (isFault(found)) return found;
        if (found === version) return null;
        if (clock.monotonic() >= deadline) return await unhealthy(machine, version, found);
        await unlessInterrupted(clock.sleep(LOOK_EVERY_MS), interrupt);
      }
    },
  };
}

async function unhealthy(machine: Machine, version: string, found: string | null): Promise<Fault> {
  const { layout, paths } = machine;
  const trouble = await machine.daemonTrouble();
  const why = trouble === null ? "" : ` (${trouble})`;
  const state = found === null ? `nobody answers${why}` : `version ${found} answers`;
  const limit = formatDuration(HEALTH_MS);
  const logs = keepLogs(paths.logsDir, version);
  const text = `mcpd ${version} does not come up: after ${limit} ${state}${logs}`;
  return fault("install.unhealthy", text, layout.program);
}

/** Copies the logs aside before the old version goes on with them, and says where they are. */
function keepLogs(logsDir: string, version: string): string {
  const logs = namesIn(logsDir).filter((name) => name.endsWith(".log"));
  if (logs.length === 0) return "";
  const folder = join(logsDir, `failed-${version}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of logs) cpSync(join(logsDir, name), join(folder, name));
  return `; its logs are in ${folder}`;
}

function throwing(problem: Fault | null): void {
  if (problem !== null) throw new Error(problem.text);
}
