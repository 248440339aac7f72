import { decode } from "../core/decode.ts";
import { type Fault, fault } from "../core/fault.ts";
import { encode, type RequestId } from "../core/message.ts";
import type { Web } from "./web.ts";

/** The fault behind an HTTP status that is no success; `body` explains it. */
export function refusal(web: Web, response: Response, body: string): Fault {
  const { upstream, shown } = web.target;
  const { status } = response;
  const text = `Upstream "${upstream}" at ${shown} answered ${web.describe(response, body)}`;
  const rights = missingRights(response);
  if (rights !== null) {
    const needs = `Upstream "${upstream}" wants more rights: mcpd auth ${upstream} --scope="${rights}"`;
    return fault("upstream.needs-login", needs, upstream);
  }
  if (status === 401 || status === 403) return fault("upstream.unauthorized", text, upstream);
  // A gateway's error says nothing about what happened behind it.
  if (status >= 500) return fault("upstream.lost", text, upstream);
  return fault("upstream.refused", text, upstream);
}

/** The scope that a token lacks (RFC 6750, section 3.1); null when that is not what is wrong. */
function missingRights(response: Response): string | null {
  const challenge = response.headers.get("www-authenticate") ?? "";
  if (response.status !== 403 || !/error="?insufficient_scope/.test(challenge)) return null;
  return /scope="([\x20-\x21\x23-\x5b\x5d-\x7e]*)"/.exec(challenge)?.[1] ?? "";
}

/** The JSON-RPC error in the body of a refusal, as the answer to the request; null without one. */
export function answerTo(id: RequestId, body: string): string | null {
  const message = decode(body);
  if (message.kind !== "response" || message.outcome.ok) return null;
  return encode({ ...message, id });
}
