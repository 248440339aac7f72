import type { Params } from "../../src/core/message.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

type Incoming = { readonly id?: number; readonly method: string; readonly params?: Params };

/** Counts what was done: what the config knows to change something, and what it does not. */
export type Store = { version: number; notes: number };

/** What a client has to hear within, and a bit more. */
const SLOW_MS = 800;

/**
 * A legacy MCP server with a store that outlives it: a write counts its version up, a read shows it
 * as it was some time between question and answer. It may die or fall silent, and heeds
 * cancellations only sometimes.
 */
export class StoreModel {
  alive = true;
  readonly #random: Random;
  readonly #schedule: Schedule;
  readonly #store: Store;
  readonly #events: {
    readonly emit: (message: object) => void;
    readonly died: () => void;
  };
  readonly #cancelled = new Set<unknown>();

  constructor(
    random: Random,
    schedule: Schedule,
    store: Store,
    events: { readonly emit: (message: object) => void; readonly died: () => void },
  ) {
    this.#random = random;
    this.#schedule = schedule;
    this.#store = store;
    this.#events = events;
  }

  receive(text: string): void {
    const { id, method, params } = JSON.parse(text) as Incoming;
    if (method === "notifications/cancelled" && this.#random.chance(0.5)) {
      this.#cancelled.add(params?.["requestId"]);
    }
    if (id === undefined) return;
    this.#later(() => {
      if (this.#cancelled.has(id)) return;
      const result = this.#do(method, params);
      if (this.#random.chance(0.01)) return this.die();
      if (this.#random.chance(0.01)) return;
      this.#later(() => this.#events.emit({ jsonrpc: "2.0", id, result }));
    });
  }

  #do(method: string, params: Params | undefined): Params {
    if (method === "initialize") {
      const capabilities = { tools: {}, resources: { subscribe: true } };
      const serverInfo = { name: "store", version: "1" };
      return { protocolVersion: "2025-06-18", capabilities, serverInfo };
    }
    const input = params?.["arguments"] as Params | undefined;
    const key = method === "resources/read" ? params?.["uri"] : input?.["key"];
    const tool = params?.["name"];
    if (tool === "write") this.#store.version += 1;
    if (tool === "note") this.#store.notes += 1;
    return { key, ...this.#store };
  }

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#events.died();
  }

  #later(action: () => void): void {
    this.#schedule.after(this.#random.below(SLOW_MS), () => {
      if (this.alive) action();
    });
  }
}
