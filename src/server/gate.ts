import { fault } from "../core/fault.ts";
import { refusal } from "../transport/accept.ts";
import type { ApiKey } from "./key.ts";
import { OriginRules } from "./origin.ts";

export type GateSettings = {
  /** What the listener is bound to. */
  readonly host: string;
  /** null lets everyone in: `"auth": "none"`. */
  readonly key: ApiKey | null;
  readonly cors: { readonly allowedOrigins: readonly string[]; readonly allowCredentials: boolean };
};

/** A request that may go on. */
export type Pass = {
  readonly kind: "pass";
  /** Who it is, as far as sessions are concerned. */
  readonly principal: "key" | "anyone";
  /** The origin its answer is for, null when no browser asked. */
  readonly origin: string | null;
};

const passes = {
  key: { kind: "pass", principal: "key", origin: null },
  anyone: { kind: "pass", principal: "anyone", origin: null },
} as const;

const corsMethods = "GET, POST, DELETE";
const corsHeaders =
  "Accept, Authorization, Content-Type, Last-Event-ID, " +
  "MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, X-API-Key, X-Mcpd-Project";
/** A tool's own headers (MCP 2026-07-28, `x-mcp-header`): which ones there are, only it knows. */
const paramHeader = /^mcp-param-[\w!#$%&'*+.^`|~-]+$/i;

/**
 * What every request passes before anything else looks at it: Host (against DNS rebinding), Origin
 * (against pages that are not ours), then the API key. MISSION A13, E2, E6; MCP basic/transports,
 * "Security Warning".
 */
export class Gate {
  #settings: GateSettings;
  #origins: OriginRules;

  constructor(settings: GateSettings) {
    this.#settings = settings;
    this.#origins = new OriginRules(settings.host, settings.cors.allowedOrigins);
  }

  /** Applies changed settings to all requests from now on. */
  update(settings: GateSettings): void {
    this.#settings = settings;
    this.#origins = new OriginRules(settings.host, settings.cors.allowedOrigins);
  }

  /** Lets a request in, or answers it. */
  enter(request: Request, path: string): Pass | Response {
    const { headers } = request;
    const host = headers.get("host");
    if (host === null || !this.#origins.hostAllowed(host)) {
      const text = `The Host ${host ?? "(none)"} is not allowed`;
      return refusal(fault("gate.origin", text));
    }
    const origin = headers.get("origin");
    if (origin !== null && !this.#origins.originAllowed(origin, host)) {
      return refusal(fault("gate.origin", `The Origin ${origin} is not allowed`));
    }
    if (origin !== null && isPreflight(request)) return this.#preflight(origin, headers);
    const principal = this.#principal(request, path);
    if (principal === null) return this.leave(this.#keyless(), origin);
    return origin === null ? passes[principal] : { kind: "pass", principal, origin };
  }

  /** Adds what a browser needs before it shows an answer to the page that asked. */
  leave(response: Response, origin: string | null): Response {
    if (origin === null) return response;
    response.headers.set("access-control-allow-origin", origin);
    response.headers.set("access-control-expose-headers", "Mcp-Session-Id");
    response.headers.append("vary", "Origin");
    if (this.#settings.cors.allowCredentials) {
      response.headers.set("access-control-allow-credentials", "true");
    }
    return response;
  }

  #principal(request: Request, path: string): Pass["principal"] | null {
    const { key } = this.#settings;
    if (key === null) return "anyone";
    if (isPublic(path)) return "anyone";
    const shown = keyShown(request);
    return shown !== null && key.matches(shown) ? "key" : null;
  }

  #keyless(): Response {
    return refusal(fault("gate.key"), null, { "www-authenticate": "Bearer" });
  }

  #preflight(origin: string, asked: Headers): Response {
    const wanted = asked.get("access-control-request-headers")?.split(",") ?? [];
    const params = wanted.map((name) => name.trim()).filter((name) => paramHeader.test(name));
    const headers = {
      "access-control-allow-methods": corsMethods,
      "access-control-allow-headers": [corsHeaders, ...params].join(", "),
      "access-control-max-age": "600",
    };
    return this.leave(new Response(null, { status: 204, headers }), origin);
  }
}

/** /health tells nothing secret; the well-known paths must be 404, not 401, to mean "no OAuth". */
function isPublic(path: string): boolean {
  return path === "/health" || path.startsWith("/.well-known/");
}

function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

/** The key as a client shows it, in the order Authorization, X-API-Key, ?api_key=. */
function keyShown(request: Request): string | null {
  const authorization = request.headers.get("authorization");
  if (authorization !== null) {
    const [, token] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    if (token !== undefined) return token;
  }
  const header = request.headers.get("x-api-key");
  if (header !== null) return header;
  if (!request.url.includes("api_key=")) return null;
  return new URL(request.url).searchParams.get("api_key");
}
