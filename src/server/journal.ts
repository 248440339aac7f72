import type { CallRecord } from "../core/record.ts";
import type { Log } from "../lib/log.ts";
import type { Metrics } from "./metrics.ts";

/** How much of a text that is not ours goes into a line of the log. */
const TEXT_LENGTH = 300;

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
    this.#log.warning(`upstream ${short(text)}`, { upstream });
  }
}

/** Others choose these texts, and may choose megabytes. */
function short(text: string): string {
  return text.length > TEXT_LENGTH ? `${text.slice(0, TEXT_LENGTH)}…` : text;
}

function fieldsOf(record: CallRecord): { [key: string]: string | number } {
  const { sessionId, upstream, durationMs, resultLength } = record;
  return {
    upstream,
    method: short(record.method),
    target: short(record.target),
    client: short(record.client),
    // The id of a session opens it: the first characters are enough to tell sessions apart.
    session: sessionId.slice(0, 8),
    ms: Math.round(durationMs),
    resultLength,
  };
}
