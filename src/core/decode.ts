import { type Fault, fault } from "./fault.ts";
import { objectEnd, parseJson } from "./json.ts";
import { LIMITS } from "./limits.ts";
import {
  Json,
  type Message,
  type Outcome,
  type Params,
  type RequestId,
  type Response,
  type RpcError,
  success,
  textOf,
  type Wire,
} from "./message.ts";

/** Text that is no JSON-RPC message: what to answer, and to which id when one could be read. */
export type Malformed = {
  readonly kind: "malformed";
  readonly id: RequestId | null;
  readonly fault: Fault;
};

/**
 * Reads one message (JSON-RPC 2.0; MCP "basic"). Parses once and looks at `jsonrpc`, `id`,
 * `method`, `params`, `result` and `error` only: unknown members are no error. A batch is one here.
 */
export function decode(text: string): Message | Malformed {
  const parsed = parse(text);
  return isMalformed(parsed) ? parsed : classify(parsed.value);
}

/** Reads a batch, or one message as a batch of one. Never empty: an empty batch is a Malformed. */
export function decodeBatch(text: string): readonly (Message | Malformed)[] {
  const parsed = parse(text);
  if (isMalformed(parsed)) return [parsed];
  if (!Array.isArray(parsed.value)) return [classify(parsed.value)];
  if (parsed.value.length === 0) return [malformed(null, "the batch is empty")];
  return parsed.value.map(classify);
}

/** True when the text can only be a batch: its first character that is not white space is "[". */
export function isBatch(text: string): boolean {
  return /^\s*\[/.test(text);
}

/**
 * Reads what an upstream sent. A long result in one of the two usual envelopes is not parsed, only
 * delimited, and kept as it came: so it is forwarded. Everything else goes through decode().
 */
export function decodeAnswer(wire: Wire): Message | Malformed {
  if (typeof wire !== "string") return delimitedBytes(wire) ?? decode(textOf(wire));
  if (wire.length > LIMITS.answerParseLength) {
    const found = delimited(wire);
    if (found !== undefined)
      return answer(found.id, Json.ofText(wire.slice(found.from, found.end)));
  }
  return decode(wire);
}

export function isMalformed(value: { readonly kind: string }): value is Malformed {
  return value.kind === "malformed";
}

type Parsed = { readonly kind: "parsed"; readonly value: unknown };

function parse(text: string): Parsed | Malformed {
  try {
    return { kind: "parsed", value: parseJson(text) };
  } catch {
    const problem = fault("message.parse", "The message is not JSON, or nests too deep");
    return { kind: "malformed", id: null, fault: problem };
  }
}

function classify(value: unknown): Message | Malformed {
  if (typeof value !== "object" || value === null) return malformed(null, "it is not an object");
  if (Array.isArray(value)) {
    return malformed(null, "it is a batch, which only 2025-03-26 has");
  }
  const members = value as { readonly [key: string]: unknown };
  const id = readId(members["id"]);
  const knownId = id === undefined ? null : id;
  if (members["jsonrpc"] !== "2.0") return malformed(knownId, 'its "jsonrpc" is not "2.0"');
  const method = members["method"];
  if (method === undefined) return response(members, id);
  if (typeof method !== "string") return malformed(knownId, 'its "method" is not a string');
  const params = members["params"] ?? undefined;
  if (!isParams(params)) return malformed(knownId, 'its "params" are not an object');
  if (members["id"] === undefined) return { kind: "notification", method, params };
  if (id === undefined || id === null) return malformed(null, badId);
  return { kind: "request", id, method, params };
}

const badId = 'its "id" is not a string or a number that can be repeated exactly';

function response(
  members: { readonly [key: string]: unknown },
  id: RequestId | null | undefined,
): Message | Malformed {
  const error = members["error"] ?? undefined;
  const answered = "result" in members;
  if (error === undefined && !answered) {
    return malformed(id ?? null, 'it has no "method", "result" or "error"');
  }
  // Only an error may have no id: it is about a message whose id could not be read.
  if (id === undefined && members["id"] !== undefined) return malformed(null, badId);
  if (id === undefined || id === null) {
    if (error === undefined) return malformed(null, badId);
    return { kind: "response", id: null, outcome: { ok: false, error: rpcErrorOf(error) } };
  }
  const outcome: Outcome =
    error === undefined ? success(members["result"]) : { ok: false, error: rpcErrorOf(error) };
  return { kind: "response", id, outcome };
}

/** An error as it came; one that lost its shape still has to settle its request. */
function rpcErrorOf(error: unknown): RpcError {
  if (typeof error === "object" && error !== null && "code" in error && "message" in error) {
    if (Number.isInteger(error.code) && typeof error.message === "string") {
      return error as RpcError;
    }
  }
  return { code: -32603, message: "The answer is an error without code and message", data: error };
}

/**
 * The id, null for JSON null, undefined when it is missing or unusable: a number that could not be
 * repeated to its sender is no number here (see parseJson).
 */
function readId(value: unknown): RequestId | null | undefined {
  const usable = typeof value === "string" || typeof value === "number" || value === null;
  return usable ? value : undefined;
}

function isParams(value: unknown): value is Params | undefined {
  return value === undefined || (typeof value === "object" && !Array.isArray(value));
}

function malformed(id: RequestId | null, why: string): Malformed {
  return {
    kind: "malformed",
    id,
    fault: fault("message.invalid", `The message is not a JSON-RPC 2.0 message: ${why}`),
  };
}

const head = /^\{"jsonrpc":"2\.0","id":(\d{1,15}),"result":(?=\{)/;
const bareHead = '{"result":{';
/** Whose answer it is, and where its result begins and ends. */
type Delimited = { readonly id: number; readonly from: number; readonly end: number };

const tail = /,"jsonrpc":"2\.0","id":(\d{1,15})\}$/;

/**
 * The fast path, for `{"jsonrpc":"2.0","id":N,"result":{...}}` and the same with the result first.
 *
 * Why it is sound: the text is taken apart from its first character to its last. The head is
 * literal; objectEnd() finds the bracket that closes the result; and what follows must be, to the
 * end of the text, literal again: `}` or the tail. So there is no room for another member, such as
 * a second "id" or an "error", which a pattern at the tail alone would let through. On valid JSON
 * the slice is therefore exactly the result; what is no JSON inside the slice, its client will see.
 */
function delimited(text: string): Delimited | undefined {
  if (text.startsWith(bareHead)) {
    const from = bareHead.length - 1;
    const end = objectEnd(text, from);
    if (end < 0 || text.length - end > 64) return undefined;
    const match = tail.exec(text.slice(end));
    return match?.index === 0 ? { id: Number(match[1]), from, end } : undefined;
  }
  const match = head.exec(text);
  if (match === null) return undefined;
  const from = match[0].length;
  const end = objectEnd(text, from);
  if (end !== text.length - 1 || !text.endsWith("}")) return undefined;
  return { id: Number(match[1]), from, end };
}

/**
 * The same for bytes. One character for each byte is a cheap text, and a right one to look for
 * brackets and quotes in: UTF-8 has none of these within another character.
 */
function delimitedBytes(bytes: Uint8Array): Response | undefined {
  const { buffer, byteOffset, length } = bytes;
  const found = delimited(Buffer.from(buffer, byteOffset, length).toString("latin1"));
  if (found === undefined) return undefined;
  return answer(found.id, Json.ofBytes(bytes.subarray(found.from, found.end)));
}

function answer(id: number, result: Json): Response {
  return { kind: "response", id, outcome: { ok: true, result } };
}
