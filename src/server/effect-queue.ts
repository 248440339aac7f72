import type { Effect } from "../core/effect.ts";

/**
 * Carries effects out in turn. One may cause further ones at once (a built-in upstream answers at
 * once): they come after those that wait.
 */
export class EffectQueue {
  readonly #perform: (effect: Effect) => void;
  readonly #waiting: Effect[] = [];
  #running = false;

  constructor(perform: (effect: Effect) => void) {
    this.#perform = perform;
  }

  /** True when all is done, false within the run of another. */
  run(effects: readonly Effect[]): boolean {
    for (const effect of effects) this.#waiting.push(effect);
    if (this.#running) return false;
    this.#running = true;
    try {
      for (let next = 0; next < this.#waiting.length; next++) {
        const effect = this.#waiting[next];
        if (effect !== undefined) this.#perform(effect);
      }
    } finally {
      this.#waiting.length = 0;
      this.#running = false;
    }
    return true;
  }
}
