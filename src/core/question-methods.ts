/** The requests a server may send to a client, and the capability each needs. */
export const NEEDS: { readonly [method: string]: string } = {
  "sampling/createMessage": "sampling",
  "elicitation/create": "elicitation",
  "roots/list": "roots",
};

/** Whether this is a request that a client, not mcpd, has to answer. */
export function isQuestion(method: string): boolean {
  return Object.hasOwn(NEEDS, method);
}
