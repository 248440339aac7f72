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
  /** Which of several replicas it is, from 1; null where there is only one. */
  readonly replica: number | null;
  /** Whether a replica gets requests: not after failures in a row, until it has answered again. */
  readonly trusted: boolean;
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

/** One prompt as `mcpd prompts` lists it. */
export type PromptRow = {
  readonly upstream: string;
  /** The name at its upstream. */
  readonly prompt: string;
  /** The name in the aggregate on /mcp. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly {
    readonly name: string;
    readonly description: string;
    readonly required: boolean;
  }[];
};

/** One resource, or a template of many, as `mcpd resources` lists it. */
export type ResourceRow = {
  readonly upstream: string;
  /** A URI; of a template with the parts in braces that are to be filled in (RFC 6570). */
  readonly uri: string;
  readonly template: boolean;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** "" where the upstream names none. */
  readonly mimeType: string;
};

/** A block of content, of whatever type. */
export type Block = { readonly type: string; readonly [key: string]: unknown };

/** A `CallToolResult` of the MCP specification, untouched. */
export type CallResult = {
  readonly content?: readonly Block[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly [key: string]: unknown;
};

/** A `ReadResourceResult` of the MCP specification, untouched. */
export type ReadResult = {
  readonly contents: readonly {
    readonly uri: string;
    readonly mimeType?: string;
    readonly text?: string;
    /** Base64. */
    readonly blob?: string;
    readonly [key: string]: unknown;
  }[];
  readonly [key: string]: unknown;
};

/** A `GetPromptResult` of the MCP specification, untouched. */
export type PromptResult = {
  readonly description?: string;
  readonly messages: readonly { readonly role: string; readonly content: Block }[];
  readonly [key: string]: unknown;
};

/** What a list is narrowed down to. */
type Search = {
  readonly upstream?: string;
  readonly search?: string;
  /** Absolute directory, for upstreams that run once per project. */
  readonly project?: string;
};

/** Whom a request is for, and how long it may take. */
type Aim = {
  readonly upstream?: string;
  readonly timeoutMs?: number;
  /** Absolute directory, for upstreams that run once per project. */
  readonly project?: string;
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
    params: Search;
    result: { readonly tools: readonly ToolRow[]; readonly missing: readonly string[] };
  };
  "mcpd/prompts": {
    params: Search;
    result: { readonly prompts: readonly PromptRow[]; readonly missing: readonly string[] };
  };
  "mcpd/resources": {
    params: Search;
    result: { readonly resources: readonly ResourceRow[]; readonly missing: readonly string[] };
  };
  /**
   * `upstream` may be left out when the tool's name is unique. The arguments are checked against
   * its schema first: params.invalid says where they are wrong. Sends "mcpd/progress" meanwhile.
   */
  "mcpd/call": {
    params: Aim & {
      readonly tool: string;
      readonly arguments: { readonly [key: string]: unknown };
      /** What to take instead for those of the arguments that the schema wants as text. */
      readonly texts?: { readonly [key: string]: string };
      /** Whether "mcpd/question" is answered: else the server is told that nobody does. */
      readonly answers?: boolean;
    };
    result: CallResult;
  };
  /** Answers a question of a call of this connection. One that nobody waits for is no error. */
  "mcpd/answer": {
    params: Pick<QuestionNote, "id" | "question"> & { readonly reply: Reply };
    result: Record<string, never>;
  };
  "mcpd/read": { params: Aim & { readonly uri: string }; result: ReadResult };
  "mcpd/prompt": {
    params: Aim & {
      readonly prompt: string;
      readonly arguments: { readonly [key: string]: string };
    };
    result: PromptResult;
  };
  /** What an argument of a prompt, or of the template of a resource, may be. */
  "mcpd/suggest": {
    params: Aim & {
      readonly of: { readonly prompt: string } | { readonly resource: string };
      readonly argument: string;
      /** What is typed so far. */
      readonly value: string;
      /** The arguments that are known already. */
      readonly others?: { readonly [key: string]: string };
    };
    result: {
      readonly values: readonly string[];
      readonly total: number | null;
      readonly hasMore: boolean;
    };
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

/** What a server wants to know of its user during a call, sent on the connection that made it. */
export type QuestionNote = {
  /** The JSON-RPC id of the call. */
  readonly id: number;
  /** Which of the call's questions. */
  readonly question: number;
  readonly asked: Elicitation;
};

/** The params of an `elicitation/create` of the MCP specification, untouched. */
export type Elicitation = { readonly [key: string]: unknown };

/** An `ElicitResult` of the MCP specification. */
export type Reply = {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: { readonly [field: string]: unknown };
};

/** Progress of a call, sent on the connection that made it. */
export type ProgressNote = {
  readonly id: number;
  readonly progress: number;
  readonly total: number | null;
  readonly message: string | null;
};
