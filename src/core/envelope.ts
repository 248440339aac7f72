import type { Exchange } from "./exchange.ts";
import { type Fault, fault } from "./fault.ts";
import { type Params, stringOr } from "./message.ts";
import { capabilitiesOf } from "./question-methods.ts";
import { MCP_LOG_LEVELS, type McpLogLevel } from "./session.ts";

/** The revision of the modern era: no handshake, no session, everything in each request. */
export const MODERN_REVISION = "2026-07-28";

/** Keys of `_meta` that the modern era reserves (2026-07-28, basic). */
export const META = {
  version: "io.modelcontextprotocol/protocolVersion",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
  client: "io.modelcontextprotocol/clientInfo",
  logLevel: "io.modelcontextprotocol/logLevel",
  server: "io.modelcontextprotocol/serverInfo",
  subscription: "io.modelcontextprotocol/subscriptionId",
} as const;

const ENVELOPE: ReadonlySet<string> = new Set([
  META.version,
  META.capabilities,
  META.client,
  META.logLevel,
]);

/** What a modern request says about its client. */
export type Envelope = {
  readonly version: string;
  readonly capabilities: Params;
  readonly client: { readonly name: string; readonly version: string };
  /** null: the client wants no log messages. */
  readonly logLevel: McpLogLevel | null;
  /** The Mcp-Param-* headers of a request over HTTP, by what follows the prefix. */
  readonly paramHeaders?: ReadonlyMap<string, string | null>;
};

/** Whether a request claims to be of the modern era. */
export function hasEnvelope(params: Params | undefined): boolean {
  return metaOf(params)?.[META.version] !== undefined;
}

/** Reads the envelope of a request; what is missing is a fault. */
export function readEnvelope(params: Params | undefined): Envelope | Fault {
  const meta = metaOf(params);
  const version = meta?.[META.version];
  const capabilities = meta?.[META.capabilities];
  for (const [key, value] of [
    [META.version, version],
    [META.capabilities, capabilities],
  ] as const) {
    const right = key === META.version ? typeof value === "string" : isObject(value);
    if (!right) return fault("envelope.missing", `params._meta["${key}"] is missing or wrong`);
  }
  const level = meta?.[META.logLevel];
  return {
    version: String(version),
    capabilities: capabilities as Params,
    client: clientIn(meta?.[META.client]),
    logLevel: MCP_LOG_LEVELS.find((known) => known === level) ?? null,
  };
}

/** Who a client says it is. */
export function clientIn(info: unknown): Envelope["client"] {
  const { name, version } = isObject(info) ? info : {};
  return { name: stringOr(name, "unknown"), version: stringOr(version, "") };
}

/** The params without the envelope: trace context and progress token stay. */
export function stripEnvelope(params: Params | undefined): Params | undefined {
  const meta = metaOf(params);
  if (meta === undefined) return params;
  const kept = Object.entries(meta).filter(([key]) => !ENVELOPE.has(key));
  const { _meta, ...rest } = params ?? {};
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
}

/** What a modern upstream hears of whoever asks: each client for itself, or mcpd. */
export function envelopeOf(
  { session, channel }: Pick<Exchange, "session" | "channel">,
  about: Envelope["client"],
): Envelope {
  const asker = session ?? { capabilities: {}, client: about, logLevel: null };
  const { client, logLevel } = asker;
  const capabilities = capabilitiesOf(asker, channel);
  return { version: MODERN_REVISION, capabilities, client, logLevel };
}

/** The params with an envelope, as a modern upstream wants them. */
export function withEnvelope(params: Params | undefined, envelope: Envelope): Params {
  const { version, capabilities, client, logLevel } = envelope;
  return {
    ...params,
    _meta: {
      ...metaOf(params),
      [META.version]: version,
      [META.capabilities]: capabilities,
      [META.client]: client,
      ...(logLevel === null ? {} : { [META.logLevel]: logLevel }),
    },
  };
}

export function metaOf(params: Params | undefined): Params | undefined {
  const meta = params?.["_meta"];
  return isObject(meta) ? meta : undefined;
}

export function isObject(value: unknown): value is Params {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
