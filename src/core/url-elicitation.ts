import { isObject, META } from "./envelope.ts";
import { fault } from "./fault.ts";
import type { Call } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import { failure, type Outcome, type Params, type RpcError, success } from "./message.ts";

/** "Show these addresses to the user and call again" (2025-11-25, client/elicitation). */
export const URL_REQUIRED = -32042;

const KEY = "mcpd_url_";

/** Which session was shown the address of an elicitation: only that one hears that it is done. */
export class Elicitations {
  readonly #sessions = new Map<string, string>();

  note(elicitationId: unknown, sessionId: string): void {
    if (typeof elicitationId !== "string") return;
    const [oldest = ""] = this.#sessions.keys();
    if (this.#sessions.size >= LIMITS.elicitationsPerUpstream) this.#sessions.delete(oldest);
    this.#sessions.set(elicitationId, sessionId);
  }

  /** Notes those that an error hands to a legacy client. */
  noteError(error: RpcError, sessionId: string): void {
    for (const { elicitationId } of elicitationsIn(error)) this.note(elicitationId, sessionId);
  }

  take(elicitationId: unknown): string | undefined {
    const session = this.#sessions.get(String(elicitationId));
    this.#sessions.delete(String(elicitationId));
    return session;
  }
}

/**
 * An error of a legacy upstream that is a demand to open an address, as the modern era says it:
 * the client brings its user's answer with the same request again. Other errors stay.
 */
export function askForUrls({ session }: Call, server: Params, error: RpcError): Outcome {
  if (error.code !== URL_REQUIRED) return { ok: false, error };
  const asked = elicitationsIn(error);
  // The code itself must not be sent in the modern era.
  if (asked.length === 0) return { ok: false, error: { ...error, code: -32603 } };
  const { elicitation } = session.capabilities;
  if (!isObject(elicitation) || elicitation["url"] === undefined) {
    const requiredCapabilities = { elicitation: { url: {} } };
    const text = "The request needs a client that can show its user an address";
    const problem = fault("client.incapable", text, "", { requiredCapabilities });
    return failure(problem);
  }
  const inputRequests = Object.fromEntries(
    asked.map(({ elicitationId: _id, ...params }, index) => [
      `${KEY}${index}`,
      { method: "elicitation/create", params: { ...params, mode: "url" } },
    ]),
  );
  const result = { resultType: "input_required", inputRequests, _meta: { [META.server]: server } };
  return success(result);
}

/** Whether a request comes back because its user did not want to open an address. */
export function declinesUrl(params: Params | undefined): boolean {
  const responses = params?.["inputResponses"];
  return Object.entries(isObject(responses) ? responses : {}).some(
    ([key, answer]) => key.startsWith(KEY) && isObject(answer) && answer["action"] !== "accept",
  );
}

/** What a server that wants addresses opened first has said of them. */
export function elicitationsIn({ code, data }: RpcError): readonly Params[] {
  const found = code === URL_REQUIRED && isObject(data) ? data["elicitations"] : undefined;
  return Array.isArray(found) ? (found as readonly unknown[]).filter(isObject) : [];
}
