/** What an error tells a client about its write. */
import type { Outcome } from "./ledger.ts";

/** Faults that say: it may or may not have had its effect. All others say that it had none. */
const UNCERTAIN: ReadonlySet<string> = new Set([
  "upstream.lost",
  "daemon.lost",
  "exchange.timed-out",
  "exchange.cancelled",
  "upstream.broken-answer",
  "upstream.answer-too-large",
  "internal",
]);

/** Faults that tell a client to shake hands again. */
const SESSION_GONE: ReadonlySet<string> = new Set([
  "session.unknown",
  "session.missing",
  "session.not-ready",
]);

/** JSON-RPC code of a request that the SDK gave up by itself, when no fault comes with it. */
const OWN_TIMEOUT = -32001;

export const NO_ANSWER = "no answer";

/** Reads an error of an SDK client: a fault of mcpd, or what the connection says. */
export function outcomeOfError(error: unknown): Outcome {
  const found = error as {
    readonly code?: unknown;
    readonly data?: { readonly fault?: unknown } | null;
    readonly message?: string;
  };
  // Where the door itself refuses, the fault is in the body, which is in the message.
  const inText = /"fault":"([a-z.-]+)"/.exec(String(found.message))?.[1];
  const code = found.data?.fault ?? inText;
  if (typeof code === "string") return outcomeOfFault(code);
  if (found.code === OWN_TIMEOUT) return { kind: "unknown", why: NO_ANSWER };
  if (isRefusedConnection(error)) return { kind: "refused", why: "connection refused" };
  return { kind: "unknown", why: "connection broke" };
}

export function outcomeOfFault(code: string): Outcome {
  return { kind: UNCERTAIN.has(code) ? "unknown" : "refused", why: code };
}

/** Whether a client is told that it has to begin again. */
export function losesSession({ why }: Outcome): boolean {
  return SESSION_GONE.has(why);
}

function isRefusedConnection(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") return true;
  return cause !== undefined && cause !== null && isRefusedConnection(cause);
}
