type Counter<R> = { [K in keyof R]: R[K] extends number ? K : never }[keyof R];

/** What the runs of all seeds come to together. */
export class Totals<R extends { readonly violations: readonly string[] }> {
  readonly #reports: R[] = [];

  /** Throws when the run has broken a rule; `name` is how it is run again. */
  add(name: string, report: R): void {
    const { violations } = report;
    if (violations.length > 0) throw new Error(`${name}\n${violations.slice(0, 10).join("\n")}`);
    this.#reports.push(report);
  }

  of(counter: Counter<R>): number {
    return this.#reports.reduce((total, report) => total + Number(report[counter]), 0);
  }
}
