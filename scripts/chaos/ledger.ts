/** What became of every write: what its client was told, beside what the server has journaled. */

/** What a client was told of one write. */
export type Outcome = {
  /**
   * done: answered as carried out. unknown: nobody can say, and the client was told so or saw its
   * connection break. refused: answered as not carried out.
   */
  readonly kind: "done" | "unknown" | "refused";
  /** In words that group: "upstream.lost", "connection". */
  readonly why: string;
};

export type Verdict = {
  readonly writes: number;
  readonly done: number;
  readonly refused: number;
  /** Unknown to the client, and what the journal has of them. */
  readonly unknown: { readonly carriedOut: number; readonly not: number };
  /** How often a client was told what, over writes and reads. */
  readonly reasons: { readonly [why: string]: number };
  readonly reads: number;
  /** Broken promises, in words; empty when all is well. */
  readonly violations: readonly string[];
};

export class Ledger {
  readonly #writes = new Map<string, { readonly upstream: string; outcome: Outcome | null }>();
  readonly #reasons = new Map<string, number>();
  readonly #violations: string[] = [];
  #reads = 0;

  /** A write is about to be sent. */
  begin(id: string, upstream: string): void {
    this.#writes.set(id, { upstream, outcome: null });
  }

  settle(id: string, outcome: Outcome): void {
    const write = this.#writes.get(id);
    if (write === undefined || write.outcome !== null) this.fail(`${id} was answered twice`);
    else write.outcome = outcome;
    this.#count(`write ${outcome.kind}: ${outcome.why}`);
  }

  read(outcome: Outcome): void {
    this.#reads++;
    this.#count(`read ${outcome.kind}: ${outcome.why}`);
  }

  /** A promise was broken that the journals do not show. */
  fail(what: string): void {
    this.#violations.push(what);
  }

  get writes(): number {
    return this.#writes.size;
  }

  /** Judges every write by the journals, one per upstream: the ids it has carried out. */
  verdict(journals: ReadonlyMap<string, readonly string[]>): Verdict {
    const violations = [...this.#violations];
    const times = timesOf(journals);
    const counts = { done: 0, refused: 0, carriedOut: 0, not: 0 };
    for (const [id, { upstream, outcome }] of this.#writes) {
      const carriedOut = times.get(`${upstream} ${id}`) ?? 0;
      times.delete(`${upstream} ${id}`);
      const told = outcome?.kind ?? "nothing";
      if (carriedOut > 1) violations.push(`${id} was carried out ${carriedOut} times (${told})`);
      if (outcome === null) violations.push(`${id} was never answered`);
      else if (told === "unknown") counts[carriedOut > 0 ? "carriedOut" : "not"]++;
      else if (told === "done") counts.done++;
      else counts.refused++;
      if (told === "done" && carriedOut === 0) violations.push(`${id} is done, yet not journaled`);
      if (told === "refused" && carriedOut > 0) {
        violations.push(`${id} was refused (${outcome?.why}), yet carried out`);
      }
    }
    for (const key of times.keys()) violations.push(`${key} was carried out, and nobody sent it`);
    const { done, refused, ...unknown } = counts;
    const reasons = Object.fromEntries([...this.#reasons].toSorted(([, a], [, b]) => b - a));
    return { writes: this.writes, done, refused, unknown, reasons, reads: this.#reads, violations };
  }

  #count(why: string): void {
    this.#reasons.set(why, (this.#reasons.get(why) ?? 0) + 1);
  }
}

/** How often each journal has each id, by "upstream id". */
function timesOf(journals: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const times = new Map<string, number>();
  for (const [upstream, ids] of journals) {
    for (const id of ids) {
      const key = `${upstream} ${id}`;
      times.set(key, (times.get(key) ?? 0) + 1);
    }
  }
  return times;
}
