import { isObject } from "./envelope.ts";
import { type Fault, fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { Json, type Params, stringOr } from "./message.ts";
import { endWithin } from "./profile.ts";

/** Where the links to kept results point. */
const SCHEME = "mcpd://result/";
/** How much of a long result its client is shown at once. */
const PREVIEW_LENGTH = 2_000;
const TOO_LONG = "is too long to be kept: ask for less.";

/** A picture, a sound or a file, as it came: it has no beginning that could be shown. */
type Binary = {
  readonly kind: "binary";
  readonly part: Params;
  readonly mimeType: string;
  readonly data: string;
};

type Kept = { readonly principal: string; readonly content: string | Binary };

/** A part of a kept text, or all of what is no text. */
type KeptPart =
  | Binary
  | {
      readonly kind: "text";
      readonly text: string;
      readonly next: number | null;
      readonly total: number;
    };

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
    if (result.text.length <= lengthMax) return result;
    const value = result.value;
    const parts: unknown = isObject(value) ? value["content"] : null;
    if (!isObject(value) || !Array.isArray(parts)) return result;
    const binaries = parts.flatMap((part: unknown) => binaryIn(part) ?? []);
    const others = parts.filter((part: unknown) => binaryIn(part) === null);
    const text = readable(others, value["structuredContent"]);
    const content = [
      ...(text === "" ? [] : this.#shortText(text, principal, lengthMax)),
      ...binaries.flatMap((binary) => this.#linkTo(binary, principal)),
    ];
    const { isError } = value;
    return Json.ofValue({ content, ...(isError === undefined ? {} : { isError }) });
  }

  #shortText(text: string, principal: string, lengthMax: number): readonly Params[] {
    if (text.length <= lengthMax) return [{ type: "text", text }];
    const preview = text.slice(0, endWithin(text, Math.min(PREVIEW_LENGTH, lengthMax)));
    const shown = { type: "text", text: preview };
    const head = `The first ${preview.length} of ${text.length} characters.`;
    if (text.length > LIMITS.drawerLength) return [shown, note(`${head} The rest ${TOO_LONG}`)];
    const uri = this.#keep({ principal, content: text });
    const rest = `or call read_result with this uri and "from": ${preview.length}.`;
    const about = { uri, name: "the whole result", mimeType: "text/plain", size: text.length };
    return [
      shown,
      note(`${head} The rest is kept: read ${uri}, ${rest}`),
      { type: "resource_link", ...about },
    ];
  }

  #linkTo(binary: Binary, principal: string): readonly Params[] {
    const { data, mimeType } = binary;
    const size = bytesIn(data);
    const head = `${mimeType}, ${size} bytes,`;
    if (data.length > LIMITS.drawerLength) return [note(`${head} ${TOO_LONG}`)];
    const uri = this.#keep({ principal, content: binary });
    const link = { type: "resource_link", uri, name: mimeType, mimeType, size };
    return [note(`${head} is kept: read ${uri}, or call read_result with it.`), link];
  }

  /** A part of a kept result, from `from` on. */
  read(uri: string, principal: string, from: number, length: number): KeptPart | Fault {
    const kept = this.#kept.get(uri.slice(SCHEME.length));
    if (kept?.principal !== principal) {
      const text = `There is no kept result ${uri}: it has made room for others, or was never there`;
      return fault("resource.unknown", text, uri, { uri });
    }
    const { content } = kept;
    if (typeof content !== "string") return content;
    const start = endWithin(content, from);
    // Two at least, since one may be half a character.
    const end = endWithin(content, Math.min(content.length, start + Math.max(2, length)));
    const next = end < content.length ? end : null;
    return { kind: "text", text: content.slice(start, end), next, total: content.length };
  }

  #keep(kept: Kept): string {
    const name = this.#newName();
    this.#kept.set(name, kept);
    this.#length += lengthOf(kept);
    for (const [oldest, old] of this.#kept) {
      if (this.#length <= LIMITS.drawerLength) break;
      this.#kept.delete(oldest);
      this.#length -= lengthOf(old);
    }
    return `${SCHEME}${name}`;
  }
}

export function isKeptResult(uri: unknown): uri is string {
  return typeof uri === "string" && uri.startsWith(SCHEME);
}

function note(text: string): Params {
  return { type: "text", text: `[${text}]` };
}

function lengthOf({ content }: Kept): number {
  return typeof content === "string" ? content.length : content.data.length;
}

/** What a part holds in base64; null for any other. */
function binaryIn(part: unknown): Binary | null {
  if (!isObject(part)) return null;
  const holder = part["type"] === "resource" ? part["resource"] : part;
  if (!isObject(holder)) return null;
  const data = holder === part ? part["data"] : holder["blob"];
  if (typeof data !== "string") return null;
  const mimeType = stringOr(holder["mimeType"], "application/octet-stream");
  return { kind: "binary", part, data, mimeType };
}

/** How many bytes a text in base64 stands for. */
function bytesIn(base64: string): number {
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
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
