/** The first line on the private socket: which server the connection is for. */
export function attachLine(upstream: string): string {
  const params = { upstream };
  return `${JSON.stringify({ jsonrpc: "2.0", id: "attach", method: "mcpd/attach", params })}\n`;
}
