import { type Envelope, hasEnvelope, MODERN_REVISION, readEnvelope } from "../core/envelope.ts";
import { LEGACY_REVISIONS } from "../core/era.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Message, Request as RpcRequest } from "../core/message.ts";
import { type Accepted, openingOf, refusal, type Visit } from "./accept.ts";
import type { Desk } from "./door.ts";
import { headerText, nameMember } from "./envelope.ts";
import type { PostChannel } from "./post-channel.ts";

/** Whether a request is of the modern era by its version header, known or not. */
export function isModernVisit({ request }: Visit): boolean {
  const version = request.headers.get("mcp-protocol-version");
  return version !== null && !LEGACY_REVISIONS.includes(version);
}

/** Whether a message is of the modern era by what it carries. */
export function isModernMessage(message: Message): boolean {
  return message.kind === "request" && hasEnvelope(message.params);
}

/**
 * Streamable HTTP of 2026-07-28: each POST stands for itself, headers repeat what routers need from
 * the body, and a client that closes its response has cancelled the request.
 */
export class ModernDoor {
  readonly #desk: Desk;
  readonly #channel: (visit: Visit, accept: Accepted) => PostChannel;

  constructor(desk: Desk, channel: (visit: Visit, accept: Accepted) => PostChannel) {
    this.#desk = desk;
    this.#channel = channel;
  }

  handle(
    visit: Visit,
    accept: Accepted,
    upstream: string | null,
    message: Message,
  ): Response | Promise<Response> {
    if (message.kind === "notification") return new Response(null, { status: 202 });
    if (message.kind === "response") {
      return refusal(fault("message.invalid", "A client of 2026-07-28 sends no responses"));
    }
    const envelope = readEnvelope(message.params);
    if (isFault(envelope)) return refusal(unknownVersion(visit) ?? envelope, message.id);
    const problem = disagreement(visit.request.headers, message, envelope);
    if (problem !== null) return refusal(problem, message.id);
    const opening = openingOf(visit, upstream, "http");
    if (isFault(opening)) return refusal(opening, message.id);
    const paramHeaders = paramHeadersIn(visit.request.headers);
    const session = this.#desk.open({ ...opening, envelope: { ...envelope, paramHeaders } });
    if (isFault(session)) return refusal(session, message.id);
    const channel = this.#channel(visit, accept);
    visit.request.signal.addEventListener("abort", () => session.close(), { once: true });
    session.receive(message, channel);
    return channel.response();
  }
}

/** A version that is of no era: whoever sent it has no envelope to mend. */
function unknownVersion({ request }: Visit): Fault | null {
  const version = request.headers.get("mcp-protocol-version");
  if (version === null || version === MODERN_REVISION) return null;
  const known = [MODERN_REVISION, ...LEGACY_REVISIONS].join(", ");
  const text = `Unsupported MCP-Protocol-Version ${version}: supported are ${known}`;
  return fault("door.version", text);
}

/** What the headers say differently from the body (2026-07-28, transports: standard headers). */
function disagreement(headers: Headers, message: RpcRequest, envelope: Envelope): Fault | null {
  const version = headers.get("mcp-protocol-version");
  if (version !== envelope.version) {
    return mismatch("MCP-Protocol-Version", version, envelope.version);
  }
  const problem = notSpoken(envelope);
  if (problem !== null) return problem;
  const method = headers.get("mcp-method");
  if (method !== message.method) return mismatch("Mcp-Method", method, message.method);
  const member = nameMember(message.method);
  if (member === undefined) return null;
  const name = headers.get("mcp-name");
  const wanted = message.params?.[member];
  if (name === null || headerText(name) !== wanted) {
    return mismatch("Mcp-Name", name, typeof wanted === "string" ? wanted : "(missing)");
  }
  return null;
}

/** What is wrong with the revision of an envelope, if anything. */
export function notSpoken({ version }: Envelope): Fault | null {
  if (version === MODERN_REVISION) return null;
  const text = `Protocol version ${version} is not supported`;
  const supported = [MODERN_REVISION];
  return fault("envelope.version", text, "", { supported, requested: version });
}

/** Which arguments of a call the headers repeat, and as what: null when they do not say. */
function paramHeadersIn(headers: Headers): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  for (const [name, value] of headers) {
    if (name.startsWith(PARAM)) found.set(name.slice(PARAM.length), headerText(value));
  }
  return found;
}

const PARAM = "mcp-param-";

function mismatch(header: string, found: string | null, expected: string): Fault {
  const state = found === null ? "is missing" : `says "${found}"`;
  return fault("envelope.header", `The header ${header} ${state}, the body says "${expected}"`);
}

/** The HTTP status of a JSON answer of the modern era: most errors have one of their own. */
export function modernStatus(text: string): number {
  const [, code] =
    /^\{"jsonrpc":"2\.0","id":(?:"(?:[^"\\]|\\.)*"|[^,"]*),"error":\{"code":(-?\d+)/.exec(text) ??
    [];
  switch (code) {
    case undefined:
      return 200;
    case "-32601":
      return 404;
    case "-32020":
    case "-32021":
    case "-32022":
      return 400;
    default:
      return 200;
  }
}
