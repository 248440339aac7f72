import type { Channel } from "./effect.ts";
import type { Params } from "./message.ts";
import type { Session } from "./session.ts";

/** The requests a server may send to a client, and the capability each needs. */
export const NEEDS: { readonly [method: string]: string } = {
  "sampling/createMessage": "sampling",
  "elicitation/create": "elicitation",
  "roots/list": "roots",
};

/** What the client of a request can do for a server. */
export function capabilitiesOf(
  session: Pick<Session, "capabilities">,
  channel: Channel | null,
): Params {
  return channel?.capabilities ?? session.capabilities;
}

/** Whether a client with these capabilities can be asked that. */
export function canAnswer(
  capabilities: Params,
  method: string,
  params: Params | undefined,
): boolean {
  const capability = capabilities[NEEDS[method] ?? ""];
  if (capability === undefined || capability === null) return false;
  if (method !== "elicitation/create" || params?.["mode"] !== "url") return true;
  return (capability as Params)["url"] !== undefined;
}

/** Whether this is a request that a client, not mcpd, has to answer. */
export function isQuestion(method: string): boolean {
  return Object.hasOwn(NEEDS, method);
}
