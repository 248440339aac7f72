import type { LiveSession } from "./live-session.ts";

/** The sessions in memory by their id, the one that was used longest ago first. */
export class LiveSessions {
  readonly #byId = new Map<string, LiveSession>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): LiveSession | undefined {
    return this.#byId.get(id);
  }

  all(): MapIterator<LiveSession> {
    return this.#byId.values();
  }

  /** Those that a client can come back to. */
  lasting(): readonly LiveSession[] {
    return [...this.#byId.values()].filter(({ session }) => session.lasting);
  }

  enter(live: LiveSession): void {
    this.#byId.set(live.id, live);
  }

  /** False when it had left before; its client may have come back to another one by its id. */
  leave(live: LiveSession): boolean {
    return this.#byId.get(live.id) === live && this.#byId.delete(live.id);
  }

  /** It is being used; nothing when it has left. */
  use(live: LiveSession): void {
    if (this.leave(live)) this.enter(live);
  }

  /**
   * The idle one that was used longest ago; undefined when there is none. What is found busy on the
   * way is used, and not looked at again the next time.
   */
  restful(): LiveSession | undefined {
    let left = this.size;
    for (const live of this.#byId.values()) {
      if (live.idle) return live;
      if (left-- === 0) return undefined;
      this.use(live);
    }
    return undefined;
  }
}
