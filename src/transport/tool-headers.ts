import { isObject } from "../core/envelope.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, type Message, type Response, success } from "../core/message.ts";
import {
  PARAM_HEADER,
  type ParamHeader,
  paramHeadersOf,
  paramText,
} from "../core/param-headers.ts";
import { envelopeVersion, headerValue } from "./envelope.ts";

/**
 * The arguments that the tools of one upstream want repeated in headers (2026-07-28,
 * basic/transports/streamable-http): learnt from the lists that pass, said with every call.
 */
export class ToolHeaders {
  /** By tool; null for one that is invalid. Tools that want none are not here. */
  readonly #wanted = new Map<string, readonly ParamHeader[] | null>();

  /** The headers of a message: none for what is no call, or of a tool that wants none. */
  of(message: Message): { readonly [name: string]: string } {
    if (message.kind !== "request" || message.method !== "tools/call") return {};
    if (envelopeVersion(message) === null) return {};
    const headers: { [name: string]: string } = {};
    for (const header of this.#wanted.get(String(message.params?.["name"])) ?? []) {
      const text = paramText(message.params?.["arguments"], header);
      if (text !== null) headers[`mcp-param-${header.name.toLowerCase()}`] = headerValue(text);
    }
    return headers;
  }

  /**
   * Takes note of a list of tools. Returns it without those that are invalid, which nobody may
   * call, and tells `dropped` the name of each that was not known to be.
   */
  learn(text: string, list: Response, dropped: (name: string) => void): string {
    // Without the keyword there is something to learn only when it was there before.
    if (!list.outcome.ok || (this.#wanted.size === 0 && !text.includes(PARAM_HEADER))) return text;
    const result = list.outcome.result.value;
    const tools = isObject(result) ? result["tools"] : undefined;
    if (!isObject(result) || !Array.isArray(tools)) return text;
    const kept = (tools as readonly unknown[]).filter((tool) => {
      if (!isObject(tool)) return true;
      const name = String(tool["name"]);
      const headers = paramHeadersOf(tool["inputSchema"]);
      if (headers === null && this.#wanted.get(name) !== null) dropped(name);
      if (headers?.length === 0) this.#wanted.delete(name);
      else if (this.#wanted.size < LIMITS.listEntries) this.#wanted.set(name, headers);
      return headers !== null;
    });
    if (kept.length === tools.length) return text;
    const outcome = success({ ...result, tools: kept });
    return encode({ ...list, outcome });
  }
}
