// How the bootstrap is spoken to: by people's commands on a socket of its own, which answers while
// the server is off, and by its server over Bun's IPC.

import type { Condition } from "../core/condition.ts";
import type { Fault } from "../core/fault.ts";
import type { DaemonSettings } from "../core/revision.ts";
import type { Status } from "./api.ts";

/** What the bootstrap knows about its server. */
export type SupervisedServer = {
  /** "waiting": it ended, and is started again after a pause. */
  readonly state: "disabled" | "starting" | "ready" | "waiting" | "stopping";
  readonly pid: number | null;
  /** As the server itself reports it; null before it has. */
  readonly version: string | null;
  readonly urls: Status["urls"];
  /** Starts after an end that nobody had asked for. */
  readonly restarts: number;
  /** How the last one ended: "exit code 70", "killed by SIGKILL", "it hung"; null when none has. */
  readonly lastExit: string | null;
};

export type BootstrapStatus = {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  /** True under a service manager, false when it was started in the background or by hand. */
  readonly service: boolean;
  readonly config: { readonly path: string; readonly enabled: boolean };
  readonly server: SupervisedServer;
  readonly conditions: readonly Condition[];
};

/** Requests on Paths.bootstrapAddress: newline-delimited JSON-RPC, as in control/api.ts. */
export type BootstrapApi = {
  "mcpd/bootstrap": { params: Record<string, never>; result: BootstrapStatus };
  /** Reads the config now; `conditions` says when it is wrong. */
  "mcpd/apply": { params: Record<string, never>; result: BootstrapStatus };
  /** Ends the server in order and starts it again; answers when the next one is ready. */
  "mcpd/restart": { params: Record<string, never>; result: BootstrapStatus };
  /** Ends the server and the bootstrap, which stays down; answers before it goes. */
  "mcpd/stop": { params: Record<string, never>; result: Record<string, never> };
};

/** What 'mcpd config settings' tells the bootstrap. */
export type SettingsAnswer = {
  /** In force: of the file, or of the last good one while that is wrong. */
  readonly daemon: DaemonSettings;
  /** What is wrong with the file. */
  readonly problem: {
    readonly code: string;
    readonly text: string;
    /** The same in one line, with what is in force instead. */
    readonly standing: string;
    readonly hint: string;
  } | null;
  readonly utcOffsetMs: number;
};

/** Bootstrap to server. */
export type ToServer =
  /** The config file is another one: read it. */
  | { readonly kind: "config" }
  | { readonly kind: "ping"; readonly id: number }
  /** Leave in order; where there are signals, SIGTERM says the same. */
  | { readonly kind: "stop" };

/** Server to bootstrap. */
export type FromServer =
  | { readonly kind: "ready"; readonly version: string; readonly urls: Status["urls"] }
  /** Why it cannot start; it ends. */
  | { readonly kind: "failed"; readonly fault: Fault }
  | {
      readonly kind: "config";
      readonly applied: boolean;
      readonly revision: number;
      readonly problem: string | null;
    }
  | {
      readonly kind: "pong";
      readonly id: number;
      /** A port that was taken may have become free. */
      readonly urls: Status["urls"];
      /** What the clocks of the place say: summer may have begun. */
      readonly utcOffsetMs: number;
    };
