import { join } from "node:path";

import { rootFault } from "../core/elevation.ts";
import { type Fault, fault, type FaultCode, FAULTS } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { reasonOf } from "../lib/files.ts";
import type { Platform } from "../platform/platform.ts";
import { startDetached } from "../supervise/detached.ts";
import { here } from "./here.ts";

/** A bootstrap that has not said within this time that it supervises is given up. */
const SAY_MS = 10_000;

/** What a bootstrap says first. */
export type Announcement = { readonly pid: number; readonly version: string };

type Said =
  | Announcement
  | {
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly subject?: string;
      };
    };

/** Starts a bootstrap that outlives us by its whole command, and resolves once it supervises. */
export async function detachBootstrap(
  { paths, user, name }: Platform,
  command: readonly string[],
): Promise<Announcement | Fault> {
  const refused = rootFault(here().user, process.env);
  if (refused !== null) return refused;
  try {
    const started = startDetached({
      command: [...command, "--quiet", "--json"],
      cwd: user.home,
      environment: process.env,
      logFile: join(paths.logsDir, "bootstrap.log"),
      windows: name === "windows",
    });
    const late = systemClock.sleep(SAY_MS).then(() => null);
    const said = (await Promise.race([started, late])) as Said | null;
    if (said === null) return missing("its bootstrap ended at once, see 'mcpd logs --bootstrap'");
    if (!("error" in said)) return said;
    const { code, message, subject } = said.error;
    return fault(isCode(code) ? code : "internal", message, subject);
  } catch (error) {
    return missing(`it cannot be started: ${reasonOf(error)}`);
  }
}

function missing(why: string): Fault {
  return fault("daemon.unreachable", `The daemon is not running: ${why}`);
}

/** What another process of ours has said may be of another version. */
export function isCode(code: string): code is FaultCode {
  return Object.hasOwn(FAULTS, code);
}
