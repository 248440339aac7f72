import { type Fault, fault, type FaultCode, FAULTS, hintOf } from "./fault.ts";
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

/**
 * A JSON value that is kept as text, as a value, or both: large results are forwarded as the text
 * they came in, small ones are looked into. Neither form is computed before it is asked for.
 */
export class Json {
  #text: string | undefined;
  #value: unknown;
  #parsed: boolean;

  private constructor(text: string | undefined, value: unknown, parsed: boolean) {
    this.#text = text;
    this.#value = value;
    this.#parsed = parsed;
  }

  static ofText(text: string): Json {
    return new Json(text, undefined, false);
  }

  static ofValue(value: unknown): Json {
    return new Json(undefined, value, true);
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.#value) ?? "null";
    return this.#text;
  }

  /** Undefined when the text is no JSON: it came from an upstream, and nobody had looked yet. */
  get value(): unknown {
    if (!this.#parsed) {
      this.#parsed = true;
      try {
        this.#value = parseJson(this.#text ?? "null");
      } catch {
        this.#value = undefined;
      }
    }
    return this.#value;
  }
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

export type Outcome =
  { readonly ok: true; readonly result: Json } | { readonly ok: false; readonly error: RpcError };

export type Response = {
  readonly kind: "response";
  /** null: an error about a message whose id could not be read. */
  readonly id: RequestId | null;
  readonly outcome: Outcome;
};

export type Message = Request | Notification | Response;

/** The JSON-RPC error of a fault: the text says what failed, the hint what to do. */
export function rpcError(problem: Fault): RpcError {
  const hint = hintOf(problem);
  return {
    code: FAULTS[problem.code].rpc,
    message: hint === "" ? problem.text : `${problem.text}. ${hint}`,
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
  const tail = `. ${hintOf(problem)}`;
  if (!error.message.endsWith(tail)) return problem;
  return { ...problem, text: error.message.slice(0, -tail.length) };
}

export function faultResponse(id: RequestId | null, problem: Fault): Response {
  return { kind: "response", id, outcome: { ok: false, error: rpcError(problem) } };
}

export function resultResponse(id: RequestId, value: unknown): Response {
  return { kind: "response", id, outcome: { ok: true, result: Json.ofValue(value) } };
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

function paramsOf(message: Request | Notification): string {
  return message.params === undefined ? "" : `,"params":${JSON.stringify(message.params)}`;
}

/** The fault that an outcome tells of; undefined for a result, and for an error of the upstream. */
export function faultCodeOf(outcome: Outcome): unknown {
  return outcome.ok ? undefined : (outcome.error.data as { fault?: unknown } | undefined)?.fault;
}
