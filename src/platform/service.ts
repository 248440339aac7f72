import type { Fault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import type { Environment } from "./platform.ts";
import type { ToolRunner } from "./run.ts";

/** What a service manager has to keep running: the bootstrap, from login to logout. */
export type ServiceSpec = {
  /** Absolute path of the stable executable: <programs>/bin/mcpd. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** Never a project: the state directory. */
  readonly workingDir: string;
  /** PATH as the login shell has it: the managers' own one lacks npx, uvx, docker. */
  readonly path: string;
  /** What else it has to know to find the same files as a shell does: XDG_CONFIG_HOME, ... */
  readonly environment?: Environment;
  /** Gets what is printed before the log is open, where the manager does not keep it itself. */
  readonly logFile: string;
};

/** The file a manager reads; null mode where the system has none. */
export type ServiceDefinition = { readonly path: string; readonly bytes: Uint8Array };

/** What the manager says about our service, none of it read from localized text. */
export type ServiceState = {
  readonly registered: boolean;
  /** Started again at the next login. */
  readonly enabled: boolean;
  readonly running: boolean;
  readonly pid: number | null;
  /** For people, in the manager's words: "active (running)", "last exit code 78". */
  readonly detail: string;
  /** What a user should know and could change: no lingering, a disabled override. */
  readonly notes: readonly { readonly text: string; readonly hint: string }[];
};

/** The bootstrap, on its socket: for what a manager cannot tell, or can only do by force. */
export interface BootstrapDoor {
  /** Of the bootstrap that answers; null when none does. */
  pid(): Promise<number | null>;
  /** Asks it to end in order, which takes a while; false when it has not agreed. */
  askToStop(): Promise<boolean>;
  /** Starts one that outlives us, where there is no manager to do it. */
  startInBackground(command: readonly string[]): Promise<Fault | null>;
}

/** What the adapters need of the program around them. */
export type ServiceHost = {
  /** Runs the system's own tools; a test brings fakes of them. */
  readonly run: ToolRunner;
  readonly clock: Clock;
  readonly bootstrap: BootstrapDoor;
};

/** One user's service manager (MISSION A7). Nothing here needs administrator's rights. */
export interface ServiceManager {
  readonly name: "systemd" | "launchd" | "task-scheduler";
  /** What our service is called there: unit, label or task. */
  readonly label: string;
  /** Why it cannot be used here and now (no session bus, root); null when it can. */
  unavailable(): Promise<Fault | null>;
  /**
   * The stable executable that is registered: that of another copy, perhaps. Null: none is, or a
   * template of the user's has it in another way.
   */
  program(): Promise<string | null>;
  /** What register() would write; the fault names a path the manager cannot take. */
  definition(spec: ServiceSpec): ServiceDefinition | Fault;
  /**
   * Writes the definition, enables and starts it; a running one is restarted. When that fails, one
   * that was not registered before is not registered afterwards.
   */
  register(spec: ServiceSpec): Promise<Fault | null>;
  /** Stops it and takes it out, the definition as well. Nothing to take out is no fault. */
  unregister(): Promise<Fault | null>;
  start(): Promise<Fault | null>;
  /**
   * Resolves when it has ended. It stays down until start(), and where that can be told apart only
   * until the next login.
   */
  stop(): Promise<Fault | null>;
  restart(): Promise<Fault | null>;
  state(): Promise<ServiceState>;
  /** Only where logging out ends services: keeps ours running. */
  readonly lingering?: { enable(): Promise<Fault | null> };
}
