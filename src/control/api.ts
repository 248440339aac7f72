// control: how mcpd's own processes talk. This file is the table of what may be asked for on the
// private socket: newline-delimited JSON-RPC 2.0, methods named "mcpd/<name>". Any other method on
// the same socket is MCP and belongs to the connection's own session.

import type { Condition } from "../core/condition.ts";

/** State of one upstream for people and scripts. */
export type UpstreamStatus = {
  readonly name: string;
  readonly kind: "stdio" | "remote" | "builtin";
  readonly scope: "user" | "project" | "session";
  /** The project an instance serves; null for everybody, for one session, and for none yet. */
  readonly project: string | null;
  readonly state: "disabled" | "idle" | "starting" | "ready" | "waiting" | "stopping" | "failed";
  /** Command line or URL, without secrets. */
  readonly reach: string;
  readonly pid: number | null;
  readonly upMs: number | null;
  readonly restarts: number;
  readonly sessions: number;
  readonly inFlight: number;
  readonly calls: number;
  readonly errors: number;
  readonly residentBytes: number | null;
  readonly tools: number;
  readonly prompts: number;
  readonly resources: number;
  /** name and version as the upstream reports them, or null before it has. */
  readonly server: { readonly name: string; readonly version: string } | null;
  readonly protocolVersion: string | null;
};

export type Status = {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly uptimeMs: number;
  readonly verdict: "healthy" | "degraded" | "unhealthy";
  /** null when the port is not bound (yet). */
  readonly urls: { readonly mcp: string; readonly sse: string; readonly health: string } | null;
  readonly auth: "api_key" | "none";
  readonly config: {
    readonly path: string | null;
    readonly revision: number;
    readonly hash: string;
    readonly warnings: number;
  };
  readonly sessions: number;
  readonly inFlight: number;
  readonly requests: number;
  readonly errors: number;
  readonly residentBytes: number;
  readonly upstreams: readonly UpstreamStatus[];
  readonly conditions: readonly Condition[];
};

/** One tool as `mcpd tools` lists it. */
export type ToolRow = {
  readonly upstream: string;
  /** The name at its upstream. */
  readonly tool: string;
  /** The name in the aggregate on /mcp. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: unknown;
};

/** A `CallToolResult` of the MCP specification, untouched. */
export type CallResult = {
  readonly content?: readonly { readonly type: string; readonly [key: string]: unknown }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly [key: string]: unknown;
};

type CacheSize = { readonly entries: number; readonly bytes: number };

/** Results that are kept to be given again. */
export type CacheStatus = {
  readonly memory: CacheSize;
  readonly disk: CacheSize;
  /** Since the daemon started, per upstream that keeps anything. */
  readonly upstreams: readonly {
    readonly name: string;
    /** Answered with a kept result. */
    readonly hits: number;
    /** Answered with the answer to an equal request that was on its way. */
    readonly shared: number;
    /** Asked, although either was possible. */
    readonly misses: number;
  }[];
};

/** The table: method -> params and result. Errors are JSON-RPC errors, data.fault = FaultCode. */
export type ControlApi = {
  /** `measure` adds the memory of each upstream, which costs a look at every process. */
  "mcpd/status": { params: { readonly measure?: boolean }; result: Status };
  /** Waits (bounded) for upstreams that are starting; failed ones are named in `missing`. */
  "mcpd/tools": {
    params: {
      readonly upstream?: string;
      readonly search?: string;
      /** Absolute directory, for upstreams that run once per project. */
      readonly project?: string;
    };
    result: { readonly tools: readonly ToolRow[]; readonly missing: readonly string[] };
  };
  /** `upstream` may be left out when the tool's name is unique. Sends "mcpd/progress" meanwhile. */
  "mcpd/call": {
    params: {
      readonly upstream?: string;
      readonly tool: string;
      readonly arguments: { readonly [key: string]: unknown };
      readonly timeoutMs?: number;
      /** Absolute directory, for upstreams that run once per project. */
      readonly project?: string;
    };
    result: CallResult;
  };
  /** Ends a call of this connection by the JSON-RPC id of its "mcpd/call". */
  "mcpd/cancel": { params: { readonly id: number }; result: { readonly cancelled: boolean } };
  /**
   * Chooses what the MCP session of this connection sees, before its first message: one upstream
   * with its names untouched instead of all, and the project it works on.
   */
  "mcpd/attach": {
    params: {
      readonly upstream?: string;
      /** Absolute directory. */
      readonly project?: string;
    };
    result: Record<string, never>;
  };
  /** What is kept of answers and how often that helped; `forget` drops it first. */
  "mcpd/cache": {
    params: { readonly forget?: boolean; readonly upstream?: string };
    result: CacheStatus;
  };
  /** Reads the config now and answers when the revision in the file is applied or refused. */
  "mcpd/apply": {
    params: Record<string, never>;
    result: {
      readonly applied: boolean;
      readonly revision: number;
      readonly problem: string | null;
    };
  };
};

export type ControlMethod = keyof ControlApi;

/** Progress of a call, sent on the connection that made it. */
export type ProgressNote = {
  readonly id: number;
  readonly progress: number;
  readonly total: number | null;
  readonly message: string | null;
};
