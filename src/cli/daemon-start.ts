import { join } from "node:path";

import { type Fault, fault, type FaultCode, FAULTS, isFault } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { reasonOf } from "../lib/files.ts";
import { startDetached } from "../supervise/detached.ts";
import { openConfig } from "./config-file.ts";

/** A daemon that has not said within this time that it runs is looked for on its socket. */
const START_MS = 10_000;

type Announcement = { readonly error?: { readonly code: string; readonly message: string } } | null;

/**
 * Starts a daemon that outlives us, if the config allows it, and resolves once it runs. The fault
 * says why there is none. When two are started at once, the socket lets one of them live.
 */
export async function startDaemon(config: string | undefined): Promise<Fault | null> {
  const { platform, store } = openConfig(config);
  const loaded = store.load();
  const { daemon } = isFault(loaded) ? store.lastGood : loaded;
  if (!daemon.enabled) return missing("the config has daemon.enabled off");
  if (!daemon.autoStart) return missing("the config has daemon.auto_start off");
  const program = Bun.isStandaloneExecutable ? [] : [Bun.main];
  const flags = config === undefined ? [] : ["--config", config];
  const started = startDetached({
    command: [process.execPath, ...program, "serve", "--foreground", "--quiet", "--json", ...flags],
    cwd: platform.user.home,
    environment: process.env,
    logFile: join(platform.paths.logsDir, "server.log"),
    windows: platform.name === "windows",
  });
  try {
    const late = systemClock.sleep(START_MS).then(() => ({}));
    const said = (await Promise.race([started, late])) as Announcement;
    if (said === null) return missing("it ended at once, see 'mcpd logs'");
    const { error } = said;
    if (error === undefined || error.code === "daemon.running") return null;
    return fault(isCode(error.code) ? error.code : "internal", error.message);
  } catch (error) {
    return missing(`it cannot be started: ${reasonOf(error)}`);
  }
}

function missing(why: string): Fault {
  return fault("daemon.unreachable", `The daemon is not running: ${why}`);
}

function isCode(code: string): code is FaultCode {
  return Object.hasOwn(FAULTS, code);
}
