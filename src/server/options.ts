import type { Discovery } from "../config/discover.ts";
import type { Platform } from "../platform/platform.ts";

export type ServerOptions = {
  readonly platform: Platform;
  readonly environment: { readonly [name: string]: string | undefined };
  /** The config file, as discovered. */
  readonly config: Discovery;
  /** Overrides daemon.port; null leaves it to the config. */
  readonly port: number | null;
  /** Repeats the log on standard error. */
  readonly mirrorLog: boolean;
  /** No daemon: without socket and listener, for whoever speaks to it itself. */
  readonly alone: boolean;
  /** A bootstrap sees to the config file: it is there, and readConfig() says when to read it. */
  readonly supervised: boolean;
};
