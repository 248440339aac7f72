import type { Drawer } from "./drawer.ts";
import type { Channel, Turn } from "./effect.ts";
import type { Envelope } from "./envelope.ts";
import { ExchangeTable } from "./exchange-table.ts";
import type { Params, RequestId } from "./message.ts";
import { OPEN_PROFILE, type Profile } from "./profile.ts";
import type { UnitKey } from "./unit.ts";
import type { Upstream } from "./upstream.ts";

/** Which upstreams a session sees: all of them merged, or one with its names untouched. */
export type View = { readonly kind: "all" } | { readonly kind: "one"; readonly upstream: string };

/** Which wire a client came over. */
export type Door = "http" | "sse" | "ws" | "socket" | "stdio";

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

/** What a modern client asked to be told about, and where. */
export type Listening = {
  /** The id of its request tags everything that is sent for it. */
  readonly id: RequestId;
  readonly channel: Channel;
  readonly filter: Params;
};

/** One client's conversation with us. */
export class Session {
  readonly id: string;
  /** A modern session lasts for one request, which may be a subscription. */
  readonly era: "legacy" | "modern";
  readonly view: View;
  readonly door: Door;
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
  /** What the config says of clients of this name. */
  profile: Profile = OPEN_PROFILE;
  /** Where results lie that are too long for it; null when none is. */
  drawer: Drawer | null = null;
  /** The arguments that a modern request over HTTP has repeated in headers. */
  readonly paramHeaders: ReadonlyMap<string, string | null> | null;
  /** By the client's own request id. */
  readonly pending = new Map<RequestId, Pending>();
  /** What the client was asked and has not answered. */
  readonly asks: ExchangeTable;
  /** Subscribed resource URIs and the key of the unit each belongs to. */
  readonly subscriptions = new Map<string, UnitKey>();
  /** The subscription of a modern client that this session stands for. */
  listening: Listening | null = null;
  /** True once the client has seen a list, so that a change of it is worth a word. */
  listed = false;

  constructor(options: {
    readonly id: string;
    readonly view: View;
    readonly principal: string;
    readonly project: string | null;
    readonly door?: Door | undefined;
    readonly envelope?: Envelope | undefined;
    /** The id of the first question it is asked. */
    readonly questionId?: number;
  }) {
    const { envelope } = options;
    this.asks = new ExchangeTable(options.questionId);
    this.id = options.id;
    this.era = envelope === undefined ? "legacy" : "modern";
    this.paramHeaders = envelope?.paramHeaders ?? null;
    if (envelope !== undefined) {
      this.protocolVersion = envelope.version;
      this.client = envelope.client;
      this.capabilities = envelope.capabilities;
      this.logLevel = envelope.logLevel;
    }
    this.view = options.view;
    this.door = options.door ?? "socket";
    this.principal = options.principal;
    this.project = options.project;
  }

  /** Whether its client can come back to it over another connection, even to another daemon. */
  get lasting(): boolean {
    return this.era === "legacy" && (this.door === "http" || this.streamed);
  }

  /** Whether its answers go on a stream that outlives connections: then none may be missing. */
  get streamed(): boolean {
    return this.era === "legacy" && (this.door === "sse" || this.door === "ws");
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

  /**
   * Whether the client wants a log message of this level. A legacy client gets "info" until it has
   * said otherwise, a modern one nothing.
   */
  wantsLevel(level: unknown): boolean {
    if (this.era === "modern" && this.logLevel === null) return false;
    const rank = MCP_LOG_LEVELS.indexOf(level as McpLogLevel);
    return rank >= MCP_LOG_LEVELS.indexOf(this.logLevel ?? "info");
  }
}

/** A session; of the modern era, which has none, all that comes from clients of one name. */
export type Client = Session | string;

export function clientOf(session: Session): Client {
  if (session.era === "legacy") return session;
  return JSON.stringify([session.principal, session.project, session.client.name]);
}
