import { fault } from "./fault.ts";
import { failure, type Response } from "./message.ts";
import type { Upstream } from "./upstream.ts";

/** How answers begin: the official SDKs write either the id or the result first. */
const ANSWER =
  /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?(?:"id"\s*:\s*(\d+)\s*,\s*)?(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"(?:result|error)"\s*:/;

/**
 * The answer in place of one that was longer than `bytesMax` and of which only the head is known:
 * whoever waits learns at once what happened. null when it is not certain whose it is.
 */
export function tooLargeAnswer(
  upstream: Upstream,
  head: string,
  bytesMax: number,
): Response | null {
  const found = ANSWER.exec(head);
  if (found === null) return null;
  const id = found[1] === undefined ? upstream.exchanges.onlyId : Number(found[1]);
  if (id === null) return null;
  const text = `The answer of upstream "${upstream.name}" is too large: the limit is ${bytesMax} bytes`;
  const problem = fault("upstream.answer-too-large", text, upstream.name, { limitBytes: bytesMax });
  return { kind: "response", id, outcome: failure(problem) };
}
