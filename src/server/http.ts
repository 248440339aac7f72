import { Hono } from "hono";

import { type Fault, fault } from "../core/fault.ts";
import { errorCode, reasonOf } from "../lib/files.ts";
import type { Log } from "../lib/log.ts";
import { refusal, type Runtime, type Visit, wrongMethod } from "../transport/accept.ts";
import type { HttpDoor } from "../transport/http-server.ts";
import type { SseDoor } from "../transport/sse-server.ts";
import type { WsClient, WsDoor } from "../transport/ws-server.ts";
import type { Gate } from "./gate.ts";

/** What /health tells: "unhealthy" is a 503, so only for a daemon that cannot do its work. */
export type Health = {
  readonly status: "healthy" | "degraded" | "unhealthy";
  /** How many conditions stand. */
  readonly conditions: number;
};

/** The numbers behind /metrics (MISSION A15). */
export interface MetricsPort {
  /** connections, requests and errors first, as the document has them. */
  json(): { readonly [name: string]: number };
  /** Prometheus text exposition format 0.0.4. */
  prometheus(): string | Promise<string>;
}

export type AppOptions = {
  readonly gate: Gate;
  readonly http: HttpDoor;
  readonly sse: SseDoor;
  readonly ws: WsDoor;
  readonly metrics: MetricsPort;
  readonly health: () => Health;
  readonly version: string;
  readonly uptimeMs: () => number;
  readonly log: Log;
};

/** All that is served on TCP. */
export interface App {
  /** Called for each request; nothing is answered to one that has become a WebSocket. */
  fetch(request: Request, runtime: Runtime): Response | Promise<Response> | undefined;
  /** How WebSockets are carried, by the config of now. */
  websocket(): Bun.WebSocketHandler<WsClient>;
}

type Env = { Bindings: { readonly visit: Visit } };

/** All that is served on TCP: the gate, then the doors, health and metrics. */
export function createApp(options: AppOptions): App {
  const routes = routesOf(options);
  const { gate, http, ws } = options;
  const answer = (visit: Visit): Response | Promise<Response> | undefined => {
    // The hot path does not need a router: it costs about a tenth of a call.
    if (isUnder(visit.path, "/mcp")) return http.handle(visit);
    return isUnder(visit.path, "/ws") ? ws.open(visit) : routes.fetch(visit.request, { visit });
  };
  return {
    fetch(request, runtime) {
      const path = pathOf(request.url);
      const pass = gate.enter(request, path);
      if (pass instanceof Response) return pass;
      const response = answer({ request, path, principal: pass.principal, runtime });
      const { origin } = pass;
      if (origin === null || response === undefined) return response;
      return response instanceof Response
        ? gate.leave(response, origin)
        : response.then((late) => gate.leave(late, origin));
    },
    websocket: () => ws.handler(),
  };
}

function isUnder(path: string, door: string): boolean {
  return path === door || path.startsWith(`${door}/`);
}

function routesOf({ sse, metrics, health, version, uptimeMs }: AppOptions): Hono<Env> {
  const routes = new Hono<Env>();
  routes.get("/health", (context) => {
    const { status, conditions } = health();
    const uptimeSeconds = Math.floor(uptimeMs() / 1_000);
    const body = { status, version, uptime_seconds: uptimeSeconds, conditions };
    return context.json(body, status === "unhealthy" ? 503 : 200);
  });
  routes.get("/metrics", async (context) => {
    if (!wantsPrometheus(context.req.header("accept"))) return context.json(metrics.json());
    const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
    return context.body(await metrics.prometheus(), 200, headers);
  });
  routes.all("/health", ({ req }) => wrongMethod(req.method, req.path, "GET"));
  routes.all("/metrics", ({ req }) => wrongMethod(req.method, req.path, "GET"));
  routes.all("/sse", ({ env }) => sse.open(env.visit));
  routes.all("/sse/*", ({ env }) => sse.open(env.visit));
  routes.all("/messages", ({ env }) => sse.post(env.visit));
  routes.all("/messages/", ({ env }) => sse.post(env.visit));
  // A plain 404 is how OAuth clients learn that there is no authorization server here.
  routes.all("/.well-known/*", (context) => context.text("Not Found", 404));
  // Hono would answer for a bug and keep it to itself.
  routes.onError((error) => {
    throw error;
  });
  routes.notFound(({ req }) => refusal(fault("door.unknown", `No such path: ${req.path}`)));
  return routes;
}

/** Prometheus asks for text or OpenMetrics; everyone else gets the documented JSON. */
function wantsPrometheus(accept: string | undefined): boolean {
  return accept !== undefined && /\b(text\/plain|openmetrics)/i.test(accept);
}

/** The path of an absolute URL, still encoded; a URL object would cost more than the routing. */
function pathOf(url: string): string {
  const from = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", from);
  return query < 0 ? url.slice(from) : url.slice(from, query);
}

/** A bound TCP listener. */
export interface Listener {
  readonly port: number;
  /** Stops listening; `now` also drops what is open, otherwise it resolves when all is answered. */
  stop(now: boolean): Promise<void>;
}

/** Where HTTP is served. */
export type Address = { readonly host: string; readonly port: number };

/**
 * Binds the app, or says why not, which is worth trying again. Port 0 takes any free one. `failed`
 * hears what a handler threw; its client is answered.
 */
export function listen(
  app: App,
  { host, port }: Address,
  failed: (problem: Error) => void,
): Listener | Fault {
  const handlers = (websocket: Bun.WebSocketHandler<WsClient>) => ({
    // Calls and streams may be quiet for long: the doors have a heartbeat of their own.
    idleTimeout: 0,
    // The doors bound each body themselves and answer with the reason; this only backs them up.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request: Request) => app.fetch(request, runtime),
    websocket,
    error(problem: Error) {
      failed(problem);
      return refusal(fault("internal"));
    },
  });
  let websocket = app.websocket();
  const runtime: Runtime = {
    hangUp: (request) => server.timeout(request, 1),
    upgrade(request, data, headers) {
      const now = app.websocket();
      // The runtime knows the limit only from the time it was told.
      if (now.maxPayloadLength !== websocket.maxPayloadLength) server.reload(handlers(now));
      websocket = now;
      return server.upgrade(request, { data, headers });
    },
  };
  let server: Bun.Server<WsClient>;
  try {
    server = Bun.serve<WsClient>({ hostname: host, port, ...handlers(websocket) });
    return {
      port: server.port ?? port,
      stop: (now) => server.stop(now),
    };
  } catch (error) {
    if (errorCode(error) === "EADDRINUSE") {
      return fault(
        "port.in-use",
        `Cannot listen on ${host}:${port}: the port is in use`,
        `${port}`,
      );
    }
    const text = `Cannot listen on ${host}:${port}: ${reasonOf(error)}`;
    return fault("host.unavailable", text, host);
  }
}
