// platform: everything an operating system does differently, one file per OS behind this interface.

/** Absolute paths of one user's mcpd, as the three-trees rule of MISSION A3 lays them out. */
export type Paths = {
  readonly programsDir: string;
  /** The executable of an installed copy, at a path that upgrades do not change. */
  readonly program: string;
  readonly configDir: string;
  /** mcpd.config.json in configDir. */
  readonly configFile: string;
  readonly stateDir: string;
  readonly logsDir: string;
  readonly dataDir: string;
  /** What must not be lost, such as copies for undo: never where the system cleans up. */
  readonly keptDir: string;
  readonly cacheDir: string;
  readonly apiKeyFile: string;
  /** Unix socket path (<= 100 bytes) or named pipe of the control door. */
  readonly controlAddress: string;
  /** The bootstrap's own socket or pipe, beside the server's. */
  readonly bootstrapAddress: string;
  /** Where users put templates of their own (MISSION A18). */
  readonly templatesDir: string;
  /**
   * Where programs that look for MCP daemons find this one while it listens (MISSION A12). Never
   * where Claude Desktop has its settings: it would look installed.
   */
  readonly announcementFile: string;
  /** Who runs: pid, version, port of the live server. */
  readonly runtimeFile: string;
  /** Who tries out a new version, as long as that lasts. */
  readonly trialFile: string;
  /** Processes we started and must not leave behind. */
  readonly ledgerFile: string;
};

export type User = {
  readonly name: string;
  readonly home: string;
  /** Root or an elevated administrator: mcpd refuses to run then unless told. */
  readonly elevated: boolean;
};

/** Environment variables as a program gets them. */
export type Environment = { readonly [name: string]: string | undefined };

/** What a process tree costs right now. */
export type Usage = { readonly residentBytes: number; readonly cpuMs: number };

/** `why` is the end of a sentence. */
export type KeychainAnswer =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "missing" }
  | { readonly kind: "unusable"; readonly why: string };

export interface Platform {
  readonly name: "linux" | "darwin" | "windows";
  readonly paths: Paths;
  readonly user: User;
  /**
   * Signals a process and all it started: the process group on POSIX, taskkill /T on Windows.
   * "terminate" asks, "kill" ends. A tree that is gone already is not an error.
   */
  signalTree(pid: number, signal: "terminate" | "kill"): Promise<void>;
  /**
   * Reads a secret of the user's keychain (MISSION A13): the login keychain of macOS, the secret
   * service of Linux, the Credential Manager of Windows. Takes half a minute at most, and no
   * longer once `ending` is aborted.
   */
  keychain(service: string, account: string, ending?: AbortSignal): Promise<KeychainAnswer>;
  /** True while any process of the group that `pid` leads is alive. */
  treeAlive(pid: number): boolean;
  /** A value that differs when a pid is reused (start time); null when there is no such process. */
  processIdentity(pid: number): Promise<string | null>;
  /**
   * True when a living process of the group that `pid` led has NAME=VALUE in its environment: proof
   * that a group whose leader is gone is one we made. False where the system does not tell.
   */
  groupCarries(pid: number, name: string, value: string): Promise<boolean>;
  /** Resident memory and CPU of a pid and its descendants; null when unknown. */
  usage(pid: number): Promise<Usage | null>;
  /** PATH as the user's login shell sets it; null when it cannot be had within `timeoutMs`. */
  loginPath(timeoutMs: number): Promise<string | null>;
  /** Resolves a command the way a spawn with `path` as PATH would; null when it is not found. */
  which(command: string, path: string): string | null;
}
