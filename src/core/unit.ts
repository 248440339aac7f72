/** Who shares one instance of an upstream. */
export type Scope = "user" | "project" | "session";

/**
 * A value read at spawn time, never before: literal text (in which `${NAME}` stands for an
 * environment variable) or a reference to where a secret lives. A Unit carries references only.
 */
export type ValueRef =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "env"; readonly name: string; readonly prefix: string }
  | { readonly kind: "file"; readonly path: string; readonly prefix: string }
  | {
      readonly kind: "keychain";
      readonly service: string;
      readonly account: string;
      readonly prefix: string;
    };

/** How an upstream is reached. */
export type Reach =
  | {
      readonly kind: "stdio";
      /** `${NAME}` in command, args and cwd is expanded at spawn. */
      readonly command: string;
      readonly args: readonly string[];
      readonly env: { readonly [name: string]: ValueRef };
      /** Absolute directory, or null for the user's home. Never the daemon's own directory. */
      readonly cwd: string | null;
      /** How many of it run side by side; absent for one. */
      readonly replicas?: number;
    }
  | {
      readonly kind: "remote";
      readonly wire: "http" | "sse" | "ws";
      readonly url: string;
      /** Where else the same is served; absent for nowhere. */
      readonly others?: readonly string[];
      readonly headers: { readonly [name: string]: ValueRef };
      /** What its texts name as `${NAME}`, beside the daemon's environment; absent for nothing. */
      readonly env?: { readonly [name: string]: ValueRef };
    }
  | { readonly kind: "builtin" };

/** Which results of an upstream may be given again without asking it. */
export type ReuseSettings = {
  /** Globs of tools and how long their results are good; the first that fits counts. */
  readonly tools: readonly { readonly glob: string; readonly ttlMs: number }[];
  /** How long a resource is good that was read, when its server does not say; 0 for not at all. */
  readonly resourcesMs: number;
  /** Globs of tools that change something: their calls make all of it forgotten. */
  readonly forgottenBy: readonly string[];
};

/** Settings of an upstream that apply at once, without a restart. */
export type UnitSettings = {
  readonly requestTimeoutMs: number;
  /** From spawn to the answer of `initialize`. */
  readonly startTimeoutMs: number;
  /** Stop an instance nobody has used for this long; null keeps it running. */
  readonly idleStopMs: number | null;
  /** Start again after a crash. */
  readonly reconnect: boolean;
  /** How often a read that was in flight in a crash is repeated. Writes never are. */
  readonly retriesMax: number;
  /** After how long a read is sent to a second replica as well; null for never. */
  readonly hedgeMs: number | null;
  /** Globs of tool names. An empty `allow` allows all; `deny` wins. */
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** Prefix of its names in the aggregate: only where needed, always or never. */
  readonly prefix: "auto" | "always" | "never";
  readonly reuse: ReuseSettings;
  /** Whether a tool that says it only reads is believed: then its calls may be repeated. */
  readonly trustReadOnly: boolean;
};

/** Identity of an instance: equal keys share one. */
export type UnitKey = string;

/** An upstream fully resolved for one scope; frozen and hashable. */
export type Unit = {
  readonly key: UnitKey;
  /** The name under mcpServers. */
  readonly upstream: string;
  readonly scope: Scope;
  readonly disabled: boolean;
  /** The era it speaks; "auto" finds out. */
  readonly era: "auto" | "legacy" | "modern";
  readonly reach: Reach;
  /** The project that the process works on, once it is bound to one: it has to be there. */
  readonly project?: string;
  readonly settings: UnitSettings;
  /** sha256 over scope and reach: when it changes, the instance is replaced. */
  readonly hash: string;
};

/** The name of the upstream that mcpd itself provides. */
export const BUILTIN_UPSTREAM = "mcpd";
