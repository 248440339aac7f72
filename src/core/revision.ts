import type { Profile } from "./profile.ts";
import type { Unit } from "./unit.ts";

export type LogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** The `daemon` section, resolved: units last in each name, nothing left to default. */
export type DaemonSettings = {
  readonly enabled: boolean;
  readonly host: string;
  /** Resolved: null in the file has become the port derived from the user name. */
  readonly port: number;
  readonly auth: "api_key" | "none";
  readonly apiKeyFile: string;
  /** Environment variable that overrides the file when it is set. */
  readonly apiKeyEnv: string;
  readonly cors: { readonly allowedOrigins: readonly string[]; readonly allowCredentials: boolean };
  readonly logLevel: LogLevel;
  /** Level per component ("server", "bootstrap", "upstream", ...), over logLevel. */
  readonly logLevels: { readonly [component: string]: LogLevel };
  readonly logFormat: "text" | "json";
  readonly logBytesMax: number;
  readonly logFilesMax: number;
  readonly configPollMs: number;
  readonly healthCheckMs: number;
  readonly autoStart: boolean;
};

/** The `server` section, resolved. */
export type ServerSettings = {
  readonly requestTimeoutMs: number;
  /** What a client may send in one message. */
  readonly messageBytesMax: number;
  /** What an upstream may answer in one message. */
  readonly answerBytesMax: number;
  readonly sessionIdleMs: number;
  readonly sessionsMax: number;
};

/** Something about the config that works but deserves a word. */
export type ConfigWarning = {
  /** What is written in the file, who may read it, or our copy of it. */
  readonly about: "text" | "rights" | "copy";
  readonly path: string;
  /** From 1; 0 for what is about no line but the file. */
  readonly line: number;
  readonly column: number;
  readonly text: string;
};

/** A validated, frozen config: the only config anyone but config/ ever sees. */
export type Revision = {
  readonly number: number;
  /** sha256 of the resolved settings: equal hashes mean nothing to do. */
  readonly hash: string;
  /** The file it came from; null for built-in defaults. */
  readonly path: string | null;
  readonly daemon: DaemonSettings;
  readonly server: ServerSettings;
  /** What kinds of clients are shown; the first that fits counts. */
  readonly clients: readonly Profile[];
  /** In the order of the file, one per upstream, each for the scope the config names. */
  readonly units: readonly Unit[];
  readonly warnings: readonly ConfigWarning[];
};
