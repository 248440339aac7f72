/** Virtual time: actions happen in the order of their time, ties in the order they were made. */
export class Schedule {
  nowMs = 0;
  #queue: { atMs: number; order: number; action: () => void }[] = [];
  #order = 0;

  after(delayMs: number, action: () => void): void {
    const entry = { atMs: this.nowMs + delayMs, order: this.#order++, action };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle];
      if (other !== undefined && other.atMs <= entry.atMs) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, entry);
  }

  /** Runs everything up to a time, or until nothing is left. */
  run(untilMs: number): void {
    for (let entry = this.#queue[0]; entry !== undefined; entry = this.#queue[0]) {
      if (entry.atMs > untilMs) break;
      this.#queue.shift();
      this.nowMs = entry.atMs;
      entry.action();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }
}
