/** What a bridge looks at in a line of the daemon. */
export type Head = {
  readonly kind: "request" | "notification" | "response";
  /** The id as JSON text, so that 1 and "1" differ; null when there is none. */
  readonly id: string | null;
  readonly method: string | null;
};

/** Enough for the head of any message but one with a very long id. */
const HEAD_BYTES = 256;
const HEAD =
  /^\{"jsonrpc":"2\.0",(?:"id":(-?[\d.eE+-]+|"(?:[^"\\]|\\.)*"|null),)?"(?:method":"([^"\\]+)"|(?:result|error)":)/;

/**
 * Reads kind and id of a line from its first bytes, as core/message.ts writes them; a line written
 * in another way is parsed. A line that is no message counts as a notification: it passes.
 */
export function headOf(line: Uint8Array): Head {
  const bytes = Math.min(line.length, HEAD_BYTES);
  const match = HEAD.exec(Buffer.from(line.buffer, line.byteOffset, bytes).toString());
  if (match === null) return parsedHead(line);
  const [, id = null, method = null] = match;
  if (method === null) return { kind: "response", id, method };
  return { kind: id === null ? "notification" : "request", id, method };
}

function parsedHead(line: Uint8Array): Head {
  try {
    const message = JSON.parse(new TextDecoder().decode(line)) as {
      readonly id?: unknown;
      readonly method?: string;
    };
    const id = message.id === undefined ? null : JSON.stringify(message.id);
    if (message.method === undefined) return { kind: "response", id, method: null };
    return { kind: id === null ? "notification" : "request", id, method: message.method };
  } catch {
    return { kind: "notification", id: null, method: null };
  }
}
