import type { Fault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import type { Environment, Paths, User } from "../platform/platform.ts";
import type { ServiceManager, ServiceSpec, ServiceState } from "../platform/service.ts";
import type { Layout } from "./layout.ts";

/** PATH of the user as Windows keeps it, references such as %USERPROFILE% unresolved. */
export interface UserPath {
  read(): Promise<string>;
  /** Throws the system's error. */
  write(value: string): Promise<void>;
}

/** What a program said in the time it had; a null exit code: it did not start, or not end. */
export type Ran = { readonly exitCode: number | null; readonly output: string };

/** What keeps a daemon running, as far as replacing its program is concerned. */
export type Keeper = {
  readonly name: string;
  readonly label: string;
  state(): Promise<Pick<ServiceState, "registered" | "running" | "pid">>;
  /** Starts it with the program that is there now; one that runs ends first. */
  register(spec: ServiceSpec): Promise<Fault | null>;
};

/** All that installing needs of the machine: the command line puts it together. */
export type Machine = {
  readonly layout: Layout;
  readonly paths: Paths;
  readonly user: User;
  readonly environment: Environment;
  readonly clock: Clock;
  /** The program that runs this; executable is null when it runs from source. */
  readonly self: {
    readonly version: string;
    readonly commit: string;
    readonly executable: string | null;
  };
  /** The config file that the service is to be told; null when it finds it by itself. */
  readonly config: string | null;
  /** Null without one, and where nothing may be started. */
  readonly service: ServiceManager | null;
  /** The bootstrap that runs of this copy without a service manager. */
  readonly background: Keeper;
  /** Null where PATH is set by the files of a shell. */
  readonly userPath: UserPath | null;
  /** What the service runs: the bootstrap of the installed copy. */
  serviceSpec(): Promise<ServiceSpec>;
  /** True when this very process would end with the service. */
  insideService(): Promise<boolean>;
  run(argv: readonly string[], timeoutMs: number): Promise<Ran>;
  /** A server that starts from now on answers no client; a daemon's /health all the same. */
  beginTrial(): Promise<void>;
  endTrial(): void;
  /** What GET /health of this user's daemon names as its version; null: nobody answers. */
  daemonVersion(): Promise<string | null>;
  /** The worst that the running daemon says is wrong with it; null: nothing, or it is not there. */
  daemonTrouble(): Promise<string | null>;
  /** False when the config has the daemon off: nobody will answer then. */
  daemonEnabled(): boolean;
  /** Writes the default config where there is none. */
  provideConfig(): Promise<Fault | null>;
  /** Makes an API key where there is none. */
  provideKey(): Promise<Fault | null>;
  /** Has the bootstrap of this user end, in order; nothing when there is none. */
  askToStop(): Promise<void>;
  /** Living processes, but for this one, whose executable is in a directory. */
  processesIn(directory: string): Promise<readonly number[]>;
  /** One that has ended meanwhile is no error. */
  signal(pid: number, signal: "terminate" | "kill"): Promise<void>;
  /** Removes programs that run and cannot be removed yet, once they have ended (Windows). */
  removeLater(paths: readonly string[]): void;
  /** What the disk of a directory has left for us, in bytes; null when it does not tell. */
  freeBytes(directory: string): number | null;
};
