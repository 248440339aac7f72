import { type Fault, fault, textWithHint } from "../core/fault.ts";
import { type ConfigFile, inForce } from "./config-file.ts";
import type { Output } from "./output.ts";

/** That mcpd runs nothing because its user wants it so; null when the config has it on. */
export function switchedOff(config: ConfigFile): Fault | null {
  if (inForce(config).daemon.enabled) return null;
  return fault("daemon.disabled", `mcpd is switched off in ${config.store.path}`);
}

/** For commands that do their work all the same. */
export function warnWhenOff(config: ConfigFile, output: Output): void {
  const off = switchedOff(config);
  if (off !== null) output.notes.warn(textWithHint(off));
}
