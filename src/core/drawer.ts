import { isObject } from "./envelope.ts";
import { type Fault, fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { Json } from "./message.ts";
import { endWithin } from "./profile.ts";

/** Where the links to kept results point. */
const SCHEME = "mcpd://result/";
/** How much of a long result its client is shown at once. */
const PREVIEW_LENGTH = 2_000;

type Kept = { readonly principal: string; readonly text: string };

/**
 * Results that are too long for a client: it gets the beginning and a link, and reads on as far as
 * it wants (MISSION D6). The oldest make room.
 */
export class Drawer {
  readonly #newName: () => string;
  readonly #kept = new Map<string, Kept>();
  #length = 0;

  constructor(newName: () => string) {
    this.#newName = newName;
  }

  /** The result itself, or what stands for it when it is longer than `lengthMax`. */
  shorten(result: Json, principal: string, lengthMax: number): Json {
    if (result.text.length <= lengthMax || result.text.length > LIMITS.drawerLength) return result;
    const value = result.value;
    const parts: unknown = isObject(value) ? value["content"] : null;
    if (!isObject(value) || !Array.isArray(parts)) return result;
    const text = readable(parts, value["structuredContent"]);
    const uri = this.#keep({ principal, text });
    const preview = text.slice(0, endWithin(text, Math.min(PREVIEW_LENGTH, lengthMax)));
    const note =
      `[The first ${preview.length} of ${text.length} characters. The rest is kept: read ${uri}, ` +
      `or call read_result with this uri and "from": ${preview.length}.]`;
    const link = {
      type: "resource_link",
      uri,
      name: "the whole result",
      mimeType: "text/plain",
      size: text.length,
    };
    const content = [{ type: "text", text: preview }, { type: "text", text: note }, link];
    const { isError } = value;
    return Json.ofValue({ content, ...(isError === undefined ? {} : { isError }) });
  }

  /** A part of a kept result, from `from` on. */
  read(
    uri: string,
    principal: string,
    from: number,
    length: number,
  ): { readonly text: string; readonly next: number | null; readonly total: number } | Fault {
    const kept = this.#kept.get(uri.slice(SCHEME.length));
    if (kept?.principal !== principal) {
      const text = `There is no kept result ${uri}: it has made room for others, or was never there`;
      return fault("resource.unknown", text, uri, { uri });
    }
    const start = endWithin(kept.text, from);
    // Two at least, since one may be half a character.
    const end = endWithin(kept.text, Math.min(kept.text.length, start + Math.max(2, length)));
    const next = end < kept.text.length ? end : null;
    return { text: kept.text.slice(start, end), next, total: kept.text.length };
  }

  #keep(kept: Kept): string {
    const name = this.#newName();
    this.#kept.set(name, kept);
    this.#length += kept.text.length;
    for (const [oldest, { text }] of this.#kept) {
      if (this.#length <= LIMITS.drawerLength) break;
      this.#kept.delete(oldest);
      this.#length -= text.length;
    }
    return `${SCHEME}${name}`;
  }
}

export function isKeptResult(uri: unknown): uri is string {
  return typeof uri === "string" && uri.startsWith(SCHEME);
}

/** The texts of a result; what is no text as JSON, and so what the texts do not repeat. */
function readable(content: readonly unknown[], structured: unknown): string {
  const texts = textsOf(content);
  const whole = structured === undefined ? "" : JSON.stringify(structured);
  return texts.length >= whole.length ? texts : `${texts}\n${whole}`;
}

function textsOf(content: readonly unknown[]): string {
  return content
    .map((part: unknown) => {
      const text = isObject(part) && part["type"] === "text" ? part["text"] : undefined;
      return typeof text === "string" ? text : JSON.stringify(part);
    })
    .join("\n");
}
