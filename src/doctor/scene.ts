import type { Where } from "../clients/client.ts";
import type { Journal } from "../clients/journal.ts";
import type { Link } from "../clients/link.ts";
import type { Status } from "../control/api.ts";
import type { BootstrapStatus } from "../control/supervision.ts";
import type { Fault } from "../core/fault.ts";
import type { Revision } from "../core/revision.ts";
import type { Clock } from "../lib/clock.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import type { RunningProcess } from "../platform/processes.ts";
import type { ServiceManager, ServiceSpec } from "../platform/service.ts";
import type { Finding } from "./finding.ts";

/** All that the checks look at: gathered once, so that they agree on what they see. */
export type Scene = {
  readonly platform: Platform;
  readonly clock: Clock;
  /** Of this program. */
  readonly version: string;
  /** What it was started with, in a terminal as a rule. */
  readonly environment: Environment;
  /** The directory it was started in; null when that is nobody's project. */
  readonly project: string | null;
  readonly config: {
    readonly path: string;
    /** The file's text now; null when there is none. */
    readonly loaded: Revision | Fault;
    /** In force: of the file, or the last good one while that is wrong. */
    readonly revision: Revision;
  };
  /** Null: none answers on the socket. */
  readonly status: Status | null;
  readonly bootstrap: BootstrapStatus | null;
  readonly service: { readonly manager: ServiceManager; readonly spec: ServiceSpec };
  readonly clients: { readonly where: Where; readonly link: Link; readonly journal: Journal };
  /** Of this user; null where the system does not say. */
  readonly processes: readonly RunningProcess[] | null;
  /** Aborted when nobody waits any more: what was started is ended first. */
  readonly signal: AbortSignal;
  /** Bytes that may still be written where a directory is; null when it is not told. */
  freeBytes(directory: string): number | null;
  /** Starts a daemon, by its service where there is one. */
  start(): Promise<Fault | null>;
};

export type Check = {
  /** What is looked at, for people: "service". */
  readonly title: string;
  /** A check that takes longer is given up. */
  readonly limitMs: number;
  run(scene: Scene): Promise<readonly Finding[]> | readonly Finding[];
};
