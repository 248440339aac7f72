import { homedir } from "node:os";

import { isFault } from "../core/fault.ts";
import type { Scene } from "../doctor/scene.ts";
import { layoutOf } from "../install/layout.ts";
import { readInfo } from "../install/state.ts";
import { systemClock } from "../lib/clock.ts";
import { freeBytes } from "../platform/installed.ts";
import { ownProcesses } from "../platform/processes.ts";
import { VERSION } from "../version.ts";
import { clientContext } from "./client-context.ts";
import type { GlobalOptions } from "./command.ts";
import { askBootstrap, daemonStatus, orNull } from "./here.ts";
import { projectOf } from "./project.ts";
import { serviceHere, serviceSpec, specOf } from "./service.ts";
import { ensureBootstrap, untilReady } from "./supervised.ts";

const ANSWER_MS = 3_000;
const START_MS = 15_000;

/** All that the doctor looks at, as it is now. */
export async function sceneHere(options: GlobalOptions, signal: AbortSignal): Promise<Scene> {
  const project = projectHere();
  const context = clientContext(options, project);
  const { store, platform } = context.config;
  const [status, bootstrap, service, processes] = await Promise.all([
    orNull(daemonStatus(ANSWER_MS)),
    orNull(askBootstrap("mcpd/bootstrap", ANSWER_MS)),
    serviceOf(platform, options.config),
    ownProcesses(platform.name, process.env),
  ]);
  const loaded = store.load();
  return {
    platform,
    clock: systemClock,
    version: VERSION,
    environment: process.env,
    project,
    config: { path: store.path, loaded, revision: isFault(loaded) ? store.lastGood : loaded },
    status,
    bootstrap,
    service,
    clients: context,
    processes,
    signal,
    freeBytes,
    async start() {
      const problem = await ensureBootstrap(options.config);
      if (problem !== null) return problem;
      const ready = await untilReady(START_MS);
      return isFault(ready) ? ready : null;
    },
  };
}

/** The home directory is nobody's project: what stands there is the user's. */
function projectHere(): string | null {
  const directory = projectOf(undefined, "doctor");
  return directory === (process.env["HOME"] ?? homedir()) ? null : directory;
}

async function serviceOf(
  platform: Scene["platform"],
  config: string | undefined,
): Promise<Scene["service"]> {
  const info = readInfo(layoutOf(platform.paths));
  const installed = specOf(platform, config ?? info?.config ?? undefined, platform.paths.program);
  const [manager, spec] = await Promise.all([
    serviceHere(platform),
    info === null ? serviceSpec(platform, config).then((own) => own.spec) : installed,
  ]);
  return { manager, spec };
}
