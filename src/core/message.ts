import {
  type Fault,
  fault,
  type FaultCode,
  FAULTS,
  hintOf,
  isFault,
  textWithHint,
} from "./fault.ts";
import { parseJson } from "./json.ts";

/** A JSON-RPC id. Kept with its type: 1 and "1" are two ids. */
export type RequestId = string | number;

/** Params as received; unknown members pass through untouched. */
export type Params = { readonly [key: string]: unknown };

export type RpcError = {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
};

/** One message as it came: its text, or, of a long one, its bytes, which are right UTF-8. */
export type Wire = string | Uint8Array;

/**
 * A JSON value that is kept as bytes, as text, as a value, or in several forms: large results are
 * forwarded as they came, small ones are looked into. No form is computed before it is asked for.
 */
export class Json {
  /** The UTF-8 of the text; undefined when it did not come as such. */
  readonly bytes: Uint8Array | undefined;
  #text: string | undefined;
  #value: unknown;
  #parsed: boolean;

  private constructor(
    text: string | undefined,
    value: unknown,
    parsed: boolean,
    bytes: Uint8Array | undefined,
  ) {
    this.bytes = bytes;
    this.#text = text;
    this.#value = value;
    this.#parsed = parsed;
  }

  static ofBytes(bytes: Uint8Array): Json {
    return new Json(undefined, undefined, false, bytes);
  }

  static ofText(text: string): Json {
    return new Json(text, undefined, false, undefined);
  }

  static ofValue(value: unknown): Json {
    return new Json(undefined, value, true, undefined);
  }

  get text(): string {
    this.#text ??= this.bytes === undefined ? jsonOf(this.#value) : textOf(this.bytes);
    return this.#text;
  }

  /** How long the text is: in bytes where it came as bytes, else in characters. */
  get length(): number {
    return this.bytes?.length ?? this.text.length;
  }

  /** Undefined when the text is no JSON: it came from an upstream, and nobody had looked yet. */
  get value(): unknown {
    if (!this.#parsed) {
      this.#parsed = true;
      try {
        this.#value = parseJson(this.text);
      } catch {
        this.#value = undefined;
      }
    }
    return this.#value;
  }
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** The text that bytes of UTF-8 hold. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export type Request = {
  readonly kind: "request";
  readonly id: RequestId;
  readonly method: string;
  readonly params: Params | undefined;
};

export type Notification = {
  readonly kind: "notification";
  readonly method: string;
  readonly params: Params | undefined;
};

export type Success = { readonly ok: true; readonly result: Json };
export type Failure = { readonly ok: false; readonly error: RpcError };
export type Outcome = Success | Failure;

export type Response = {
  readonly kind: "response";
  /** null: an error about a message whose id could not be read. */
  readonly id: RequestId | null;
  readonly outcome: Outcome;
};

export type Message = Request | Notification | Response;

/** The JSON-RPC error of a fault: the text says what failed, the hint what to do. */
export function rpcError(problem: Fault): RpcError {
  return {
    code: FAULTS[problem.code].rpc,
    message: textWithHint(problem),
    data: {
      fault: problem.code,
      ...(problem.subject === "" ? {} : { subject: problem.subject }),
      ...problem.data,
    },
  };
}

/** The fault an error was made from by rpcError(); null for anybody else's error. */
export function faultOf(error: RpcError): Fault | null {
  const data = error.data as Params | null | undefined;
  const { fault: code, subject: about, ...details } = data ?? {};
  if (typeof code !== "string" || !Object.hasOwn(FAULTS, code)) return null;
  const more = Object.keys(details).length === 0 ? undefined : details;
  const problem = fault(code as FaultCode, error.message, stringOr(about, ""), more);
  const tail = ` ${hintOf(problem)}`;
  if (!error.message.endsWith(tail)) return problem;
  return { ...problem, text: error.message.slice(0, -tail.length).replace(/\.$/, "") };
}

/** What a request comes to that has failed by a fault of ours. */
export function failure(problem: Fault): Failure {
  return { ok: false, error: rpcError(problem) };
}

/** What a request comes to that is answered with this value. */
export function success(value: unknown): Success {
  return { ok: true, result: Json.ofValue(value) };
}

export function faultResponse(id: RequestId | null, problem: Fault): Response {
  return { kind: "response", id, outcome: failure(problem) };
}

export function resultResponse(id: RequestId, value: unknown): Response {
  return { kind: "response", id, outcome: success(value) };
}

/** The answer to a request of our own methods: what came of it, or why nothing did. */
export function responseTo(id: RequestId, answer: unknown): Response {
  return isFault(answer) ? faultResponse(id, answer) : resultResponse(id, answer);
}

/** A member that should be a string, or `fallback` when it is anything else. */
export function stringOr(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

/** One message as JSON text, without a newline. */
export function encode(message: Message): string {
  switch (message.kind) {
    case "request":
      return `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"method":${JSON.stringify(message.method)}${paramsOf(message)}}`;
    case "notification":
      return `{"jsonrpc":"2.0","method":${JSON.stringify(message.method)}${paramsOf(message)}}`;
    case "response":
      return message.outcome.ok
        ? `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${message.outcome.result.text}}`
        : `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"error":${JSON.stringify(message.outcome.error)}}`;
  }
}

/** What encode() makes of a result, from and to bytes. */
export function encodeBytes(id: RequestId, result: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`);
  return Buffer.concat([head, result, CLOSE]);
}

const CLOSE = Buffer.from("}");

function paramsOf(message: Request | Notification): string {
  return message.params === undefined ? "" : `,"params":${JSON.stringify(message.params)}`;
}

/** The fault that an outcome tells of; undefined for a result, and for an error of the upstream. */
export function faultCodeOf(outcome: Outcome): unknown {
  return outcome.ok ? undefined : (outcome.error.data as { fault?: unknown } | undefined)?.fault;
}
