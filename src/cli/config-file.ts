import { discoverConfig, type Discovery } from "../config/discover.ts";
import { ConfigStore } from "../config/store.ts";
import { type Fault, FaultError, isFault } from "../core/fault.ts";
import type { Revision } from "../core/revision.ts";
import type { Platform } from "../platform/platform.ts";
import { here } from "./here.ts";

export type ConfigFile = {
  readonly platform: Platform;
  readonly discovery: Discovery;
  readonly store: ConfigStore;
};

/** The config that --config, the config directory or the environment names. */
export function openConfig(flag: string | undefined): ConfigFile {
  const platform = here();
  const discovery = discoverConfig({ flag, env: process.env, paths: platform.paths });
  return { platform, discovery, store: new ConfigStore(discovery.path, platform) };
}

/** What the file says; while it is wrong, the last that was right (MISSION A14). */
export function inForce({ store }: ConfigFile): Revision {
  const loaded = store.load();
  return isFault(loaded) ? store.lastGood : loaded;
}

/** The value, or its fault thrown to where commands end. */
export function orThrow<T extends object | string | boolean>(value: T | Fault): T {
  if (isFault(value)) throw new FaultError(value);
  return value;
}
