import type { Turn } from "./effect.ts";
import { ExchangeTable } from "./exchange.ts";
import type { RequestId } from "./message.ts";
import type { UnitKey } from "./unit.ts";
import type { Upstream } from "./upstream.ts";

/** Which upstreams a session sees: all of them merged, or one with its names untouched. */
export type View = { readonly kind: "all" } | { readonly kind: "one"; readonly upstream: string };

/** Log levels of the MCP specification (RFC 5424), most verbose first. */
export const MCP_LOG_LEVELS = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
] as const;
export type McpLogLevel = (typeof MCP_LOG_LEVELS)[number];

/** A request of the client that is being worked on. */
export type Pending = {
  readonly cancel: (turn: Turn, reason: string) => void;
};

/** One client's conversation with us. */
export class Session {
  readonly id: string;
  readonly view: View;
  readonly principal: string;
  /** Absolute project directory, named at the door or learnt from the client's roots. */
  project: string | null;
  /** Whether the client has been asked for its roots. */
  askedRoots = false;
  /** null until `initialize` has been answered. */
  protocolVersion: string | null = null;
  client: { readonly name: string; readonly version: string } = { name: "unknown", version: "" };
  /** What the client declared it can do for a server (sampling, elicitation, roots). */
  capabilities: { readonly [name: string]: unknown } = {};
  logLevel: McpLogLevel | null = null;
  /** By the client's own request id. */
  readonly pending = new Map<RequestId, Pending>();
  /** What the client was asked and has not answered. */
  readonly asks = new ExchangeTable();
  /** Subscribed resource URIs and the key of the unit each belongs to. */
  readonly subscriptions = new Map<string, UnitKey>();
  /** True once the client has seen a list, so that a change of it is worth a word. */
  listed = false;

  constructor(options: {
    readonly id: string;
    readonly view: View;
    readonly principal: string;
    readonly project: string | null;
  }) {
    this.id = options.id;
    this.view = options.view;
    this.principal = options.principal;
    this.project = options.project;
  }

  get ready(): boolean {
    return this.protocolVersion !== null;
  }

  /** Whether an instance is one that this client is served by. */
  sees(upstream: Upstream): boolean {
    if (this.view.kind === "one" && this.view.upstream !== upstream.name) return false;
    const { audience } = upstream;
    if (audience.kind === "project") return audience.root === this.project;
    return audience.kind === "user" || audience.id === this.id;
  }

  /** Whether the client wants a log message of this level; "info" until it has said otherwise. */
  wantsLevel(level: unknown): boolean {
    const rank = MCP_LOG_LEVELS.indexOf(level as McpLogLevel);
    return rank >= MCP_LOG_LEVELS.indexOf(this.logLevel ?? "info");
  }
}
