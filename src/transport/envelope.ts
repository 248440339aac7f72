import { META, metaOf } from "../core/envelope.ts";
import type { Message } from "../core/message.ts";

/** The revision a request of the modern era names in its envelope; null for any other message. */
export function envelopeVersion(message: Message): string | null {
  if (message.kind !== "request") return null;
  const version = metaOf(message.params)?.[META.version];
  return typeof version === "string" ? version : null;
}

/**
 * The headers in which a request of the modern era repeats what is in its body, so that those on
 * the way can route it (2026-07-28, basic/transports/streamable-http); none for other messages.
 */
export function envelopeHeaders(message: Message): { readonly [name: string]: string } {
  const version = envelopeVersion(message);
  if (version === null || message.kind !== "request") return {};
  const { method, params } = message;
  const name = params?.[nameMember(method) ?? ""];
  return {
    "mcp-protocol-version": version,
    "mcp-method": method,
    ...(typeof name === "string" ? { "mcp-name": headerValue(name) } : {}),
  };
}

/** The member of `params` that the Mcp-Name header repeats; undefined when there is none. */
export function nameMember(method: string): string | undefined {
  switch (method) {
    case "tools/call":
    case "prompts/get":
      return "name";
    case "resources/read":
      return "uri";
    case "tasks/get":
    case "tasks/update":
    case "tasks/cancel":
      return "taskId";
    default:
      return undefined;
  }
}

/** A text as a header may carry it: what is no plain, unpadded ASCII goes as base64. */
export function headerValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text);
  const disguised = /^=\?base64\?.*\?=$/i.test(text);
  if (plain && !disguised) return text;
  return `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

/** The text that a header carries; null when it is neither plain nor right base64. */
export function headerText(value: string): string | null {
  const [, encoded] = /^=\?base64\?(.*)\?=$/.exec(value) ?? [];
  if (encoded === undefined) return value.trim();
  const bytes = Buffer.from(encoded, "base64");
  return bytes.toString("base64") === encoded ? bytes.toString("utf8") : null;
}
