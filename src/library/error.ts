import { type Fault, fault, type FaultCode, FaultError, hintOf } from "../core/fault.ts";

/** What went wrong, as a code to look at, a text and what to do about it. */
export class McpdError extends Error {
  readonly code: FaultCode;
  readonly hint: string;
  /** Details, such as `problems` of arguments that do not fit. */
  readonly data: { readonly [key: string]: unknown };

  constructor(code: FaultCode, text: string, subject = "", data: Fault["data"] = {}) {
    super(text);
    this.name = "McpdError";
    this.code = code;
    this.hint = hintOf(fault(code, text, subject));
    this.data = data;
  }

  /** The error of a fault; anything else is a bug and stays what it is. */
  static of(error: unknown): unknown {
    if (!(error instanceof FaultError)) return error;
    const { code, text, subject, data } = error.fault;
    return new McpdError(code, text, subject, data);
  }
}
