import type { CallRecord } from "../core/record.ts";
import type { Log } from "../lib/log.ts";
import type { Metrics } from "./metrics.ts";

/** Where every call and every breach of the protocol leaves its trace: counters and log. */
export class Journal {
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  record(record: CallRecord): void {
    this.#metrics.record(record);
    if (record.outcome === "ok") {
      if (this.#log.enabled("DEBUG")) this.#log.debug("call", fieldsOf(record));
      return;
    }
    this.#log.info(`call ${record.outcome}`, fieldsOf(record));
  }

  /** Something an upstream did that the protocol does not allow. */
  oddity(upstream: string, text: string): void {
    this.#metrics.of(upstream).oddities += 1;
    this.#log.warning(`upstream ${text}`, { upstream });
  }
}

function fieldsOf(record: CallRecord): { [key: string]: string | number } {
  const { sessionId, client, upstream, method, target, durationMs, resultLength } = record;
  // The id of a session opens it: the first characters are enough to tell sessions apart.
  const session = sessionId.slice(0, 8);
  return { upstream, method, target, client, session, ms: Math.round(durationMs), resultLength };
}
