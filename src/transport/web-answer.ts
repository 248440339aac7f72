import { decode } from "../core/decode.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { encode, type RequestId } from "../core/message.ts";
import { missingRights, type Web } from "./web.ts";

/** What the body of a refusal says; nothing when it cannot be had. */
export async function wordsOf(web: Web, response: Response): Promise<string> {
  const text = await web.text(response);
  return isFault(text) ? "" : text;
}

/** Why a link has ended. Nobody's request was lost in it: the server is just not there. */
export function endOf(problem: Fault): Fault {
  const vague = problem.code === "upstream.lost" || problem.code === "upstream.refused";
  return vague ? { ...problem, code: "upstream.unreachable" } : problem;
}

/** The fault behind an HTTP status that is no success; `body` explains it. */
export function refusal(web: Web, response: Response, body: string): Fault {
  const { upstream, shown } = web.target;
  const { status } = response;
  const text = `Upstream "${upstream}" at ${shown} answered ${web.describe(response, body)}`;
  const rights = missingRights(response);
  if (rights !== null) {
    const needs = `Upstream "${upstream}" asks for a login with more rights: ${rights}`;
    return fault("upstream.needs-login", needs, upstream);
  }
  if (status === 401 || status === 403) return fault("upstream.unauthorized", text, upstream);
  // A gateway's error says nothing about what happened behind it.
  if (status >= 500) return fault("upstream.lost", text, upstream);
  return fault("upstream.refused", text, upstream);
}

/** The JSON-RPC error in the body of a refusal, as the answer to the request; null without one. */
export function answerTo(id: RequestId, body: string): string | null {
  const message = decode(body);
  if (message.kind !== "response" || message.outcome.ok) return null;
  return encode({ ...message, id });
}
