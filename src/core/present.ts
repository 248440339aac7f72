import { isObject, META } from "./envelope.ts";
import { LIMITS } from "./limits.ts";
import { LIST_KINDS, LISTS } from "./listing.ts";
import { Json, type Outcome, type Params, success } from "./message.ts";

/** Results that carry caching hints in the modern era (2026-07-28, utilities/caching). */
const CACHEABLE: ReadonlySet<string> = new Set([
  "server/discover",
  "resources/read",
  ...LIST_KINDS.map((kind) => LISTS[kind].method),
]);

/** An outcome of the legacy era as a modern client has to get it. */
export function presentModern(method: string, server: Params, outcome: Outcome): Outcome {
  if (!outcome.ok) {
    // "Resource not found" has become a case of invalid params.
    const { code } = outcome.error;
    return code === -32002 ? { ok: false, error: { ...outcome.error, code: -32602 } } : outcome;
  }
  return { ok: true, result: complete(method, server, outcome.result) };
}

/**
 * Adds what the modern era requires of a result: its type, caching hints where they belong (none of
 * a legacy server's results may be cached), and who answered. A long text is not taken apart.
 */
function complete(method: string, server: Params, result: Json): Json {
  const hints = CACHEABLE.has(method) ? { ttlMs: 0, cacheScope: "private" } : {};
  const added = { resultType: "complete", ...hints };
  if (result.text.length > LIMITS.answerParseLength) {
    const head = JSON.stringify(added).slice(0, -1);
    return Json.ofText(`${head},${result.text.trimStart().slice(1)}`);
  }
  const value = result.value;
  if (!isObject(value)) return result;
  const meta = isObject(value["_meta"]) ? value["_meta"] : {};
  return Json.ofValue({ ...added, ...value, _meta: { [META.server]: server, ...meta } });
}

/** An outcome of the modern era as a legacy client knows it. A long text is left as it is. */
export function presentLegacy(outcome: Outcome): Outcome {
  if (!outcome.ok || outcome.result.text.length > LIMITS.answerParseLength) return outcome;
  const value = outcome.result.value;
  if (!isObject(value)) return outcome;
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...result } = value;
  return success(result);
}
