import { isAbsolute, resolve } from "node:path";

import { type Fault, fault, FAULTS, isFault } from "../core/fault.ts";
import { encode, faultResponse, type RequestId } from "../core/message.ts";
import { oneSpelling } from "../core/roots.ts";
import type { Opening, SessionPort, View } from "./door.ts";
import type { WsClient } from "./ws-server.ts";

/** What a door is told about one HTTP request that the gate let in. */
export type Visit = {
  readonly request: Request;
  /** The path of the URL, without query. */
  readonly path: string;
  readonly principal: string;
  readonly runtime: Runtime;
};

/** What only the listener can do with a request. */
export interface Runtime {
  /** Drops the connection of a client that does not read. */
  hangUp(request: Request): void;
  /** Makes the request a WebSocket that carries `data`; false when it asks for none. */
  upgrade(request: Request, data: WsClient, headers: { readonly [name: string]: string }): boolean;
}

/** Which kinds of answer a client takes. */
export type Accepted = { readonly json: boolean; readonly events: boolean };

const both: Accepted = { json: true, events: true };

/** Reads an Accept header; none at all means anything (RFC 9110, 12.5.1). */
export function accepted(header: string | null): Accepted {
  // What the specification asks clients to send, spelled as the official SDKs do: the hot path.
  if (header === null || header === "application/json, text/event-stream") return both;
  let json = false;
  let events = false;
  for (const entry of header.toLowerCase().split(",")) {
    const [range = "", ...parameters] = entry.split(";").map((part) => part.trim());
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) continue;
    json ||= range === "*/*" || range === "application/*" || range === "application/json";
    events ||= range === "*/*" || range === "text/*" || range === "text/event-stream";
  }
  return { json, events };
}

/** True for application/json with any parameters. */
export function isJson(header: string | null): boolean {
  if (header === "application/json") return true;
  return header?.split(";", 1)[0]?.trim().toLowerCase() === "application/json";
}

/**
 * The upstream a path like "/mcp/<upstream>" names; null for the door's own path (all upstreams),
 * undefined when the path is neither.
 */
export function upstreamIn(path: string, door: string): string | null | undefined {
  const rest = path.slice(door.length + 1);
  if (rest === "") return null;
  if (rest.includes("/")) return undefined;
  try {
    return decodeURIComponent(rest);
  } catch {
    return undefined;
  }
}

/** True when a session that sees `view` belongs to the path that named `upstream`. */
export function sees(session: SessionPort, upstream: string | null): boolean {
  return session.view.kind === "all" ? upstream === null : session.view.upstream === upstream;
}

/** All upstreams, or the one that is named. */
export function viewOf(upstream: string | null): View {
  return upstream === null ? { kind: "all" } : { kind: "one", upstream };
}

/** What to open for a client, or what is wrong with the project it names. */
export function openingOf(
  visit: Visit,
  upstream: string | null,
  door: Opening["door"],
): Opening | Fault {
  const view = viewOf(upstream);
  const named =
    new URL(visit.request.url).searchParams.get("project") ??
    visit.request.headers.get("x-mcpd-project");
  const project = projectOf(named);
  return isFault(project) ? project : { view, principal: visit.principal, project, door };
}

/**
 * The project a client names: an absolute path, on any system. One directory is one project,
 * however it is spelled.
 */
export function projectOf(named: string | null): string | null | Fault {
  if (named === null) return null;
  if (!/^(\/|[A-Za-z]:[\\/]|\\\\)/.test(named)) {
    return fault("project.missing", `Cannot use the project ${named}: it is not an absolute path`);
  }
  return oneSpelling(isAbsolute(named) ? resolve(named) : named);
}

/** A fault as HTTP: the status of its row, and a JSON-RPC error that says what to do. */
export function refusal(
  problem: Fault,
  id: RequestId | null = null,
  headers: { readonly [name: string]: string } = {},
): Response {
  return new Response(encode(faultResponse(id, problem)), {
    status: FAULTS[problem.code].http,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** 405 with the Allow header that RFC 9110 asks for. */
export function wrongMethod(method: string, path: string, allow: string): Response {
  const text = `${method} is not allowed on ${path}: it takes ${allow}`;
  return refusal(fault("door.method", text), null, { allow });
}

/** 426 for a path that speaks another protocol than HTTP (RFC 9110, 15.5.22). */
export function wrongProtocol(path: string, protocol: string): Response {
  const text = `${path} speaks ${protocol} only`;
  const { body, headers } = refusal(fault("door.method", text), null, { upgrade: protocol });
  return new Response(body, { status: 426, headers });
}
