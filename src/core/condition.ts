import { type Fault, hintOf } from "./fault.ts";

export type Severity = "error" | "warning" | "info";

/** A named problem. Status, doctor, /health and the logs render the same list. */
export type Condition = {
  /** Stable name, e.g. "config.invalid" or "upstream.failed". */
  readonly name: string;
  /** What it is about: an upstream, a path, "" for the daemon. */
  readonly subject: string;
  readonly severity: Severity;
  readonly text: string;
  /** What to do about it. */
  readonly hint: string;
  /** Wall milliseconds since the epoch. */
  readonly sinceMs: number;
};

/** The registry: at most one condition per (name, subject). */
export class Conditions {
  readonly #rows = new Map<string, Condition>();

  /**
   * Raises or refreshes a condition; `sinceMs` of a standing one is kept. True when it is new or
   * differs.
   */
  raise(condition: Condition): boolean {
    const key = keyOf(condition.name, condition.subject);
    const standing = this.#rows.get(key);
    if (standing === undefined) {
      this.#rows.set(key, condition);
      return true;
    }
    const changed = standing.text !== condition.text || standing.severity !== condition.severity;
    if (changed) this.#rows.set(key, { ...condition, sinceMs: standing.sinceMs });
    return changed;
  }

  /** Raises what a fault says: by default an error of the daemon itself, under the fault's code. */
  report(problem: Fault, sinceMs: number, about: Partial<Condition> = {}): boolean {
    const { code: name, text } = problem;
    const hint = hintOf(problem);
    return this.raise({ name, subject: "", severity: "error", text, hint, sinceMs, ...about });
  }

  /** Clears a condition; true when it stood. */
  clear(name: string, subject = ""): boolean {
    return this.#rows.delete(keyOf(name, subject));
  }

  /** Clears every condition of a name, whatever it is about. */
  clearName(name: string): void {
    for (const [key, row] of this.#rows) if (row.name === name) this.#rows.delete(key);
  }

  /** All standing conditions, worst first, then oldest first. */
  list(): readonly Condition[] {
    return [...this.#rows.values()].sort(
      (a, b) => rank(a.severity) - rank(b.severity) || a.sinceMs - b.sinceMs,
    );
  }

  /**
   * The overall verdict: "unhealthy" when the daemon itself cannot do its work (an error about
   * nothing else), "degraded" when a part of it cannot or a warning stands.
   */
  verdict(): "healthy" | "degraded" | "unhealthy" {
    const rows = this.list();
    if (rows.some((row) => row.severity === "error" && row.subject === "")) return "unhealthy";
    return rows.some((row) => row.severity !== "info") ? "degraded" : "healthy";
  }
}

function rank(severity: Severity): number {
  return { error: 0, warning: 1, info: 2 }[severity];
}

function keyOf(name: string, subject: string): string {
  return `${name}\n${subject}`;
}
