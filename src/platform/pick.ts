import { darwinPlatform } from "./darwin.ts";
import { linuxPlatform } from "./linux.ts";
import type { Environment, Platform } from "./platform.ts";
import { windowsPlatform } from "./windows.ts";

/**
 * The platform of the system we run on, for the user of this environment. Throws a FaultError when
 * no safe place for the control socket is left.
 */
export function pickPlatform(environment: Environment): Platform {
  switch (process.platform) {
    case "win32":
      return windowsPlatform(environment);
    case "darwin":
      return darwinPlatform(environment);
    default:
      return linuxPlatform(environment);
  }
}
