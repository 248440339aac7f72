import type { Params } from "../../src/core/message.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** How badly a simulated server behaves. */
export type Habits = {
  readonly slowMs: number;
  readonly dies: number;
  readonly answersTwice: number;
  readonly wrongId: number;
  readonly neverAnswers: number;
  readonly floods: number;
};

type Incoming = { id?: number; method: string; params?: Params };

/**
 * A legacy MCP server as a model: it answers a call with the text it was sent, so that an answer
 * which reaches the wrong client shows, and misbehaves by the roll of the dice.
 */
export class UpstreamModel {
  alive = true;
  readonly cancelled = new Set<number>();
  /** Which call each open question of the model belongs to: nobody else is told. */
  readonly #asked = new Map<number, number>();
  #nextQuestion = 1;
  readonly #random: Random;
  readonly #schedule: Schedule;
  readonly #habits: Habits;
  readonly #emit: (message: object) => void;
  readonly #die: () => void;
  readonly #did: (text: string) => void;

  constructor(
    random: Random,
    schedule: Schedule,
    habits: Habits,
    emit: (message: object) => void,
    die: () => void,
    /** Hears the text of every call that is carried out. */
    did: (text: string) => void = () => {},
  ) {
    this.#did = did;
    this.#random = random;
    this.#schedule = schedule;
    this.#habits = habits;
    this.#emit = (message) => {
      if (this.alive) emit({ jsonrpc: "2.0", ...message });
    };
    this.#die = die;
  }

  receive(text: string): void {
    const message = JSON.parse(text) as Incoming & { result?: Params; error?: Params };
    if (message.result !== undefined || message.error !== undefined) return this.#heard(message);
    if (message.method === "notifications/cancelled") {
      this.cancelled.add(Number(message.params?.["requestId"]));
      return;
    }
    const { id } = message;
    if (id === undefined) return;
    const delayMs = this.#random.below(this.#habits.slowMs);
    this.#schedule.after(delayMs, () => this.#answer(id, message));
  }

  #answer(id: number, { method, params }: Incoming): void {
    if (!this.alive || this.cancelled.has(id)) return;
    if (method === "initialize") {
      const resources = { subscribe: true };
      const capabilities = { tools: {}, logging: {}, prompts: {}, resources };
      const serverInfo = { name: "model", version: "1" };
      return this.#emit({
        id,
        result: { protocolVersion: "2025-06-18", capabilities, serverInfo },
      });
    }
    if (method === "tools/list") {
      return this.#emit({ id, result: { tools: [{ name: "echo" }, { name: "ask" }] } });
    }
    if (method === "prompts/list")
      return this.#emit({ id, result: { prompts: [{ name: "say" }] } });
    if (method === "prompts/get") return this.#read(id, params);
    if (method.endsWith("/list")) return this.#emit({ id, result: {} });
    if (method !== "tools/call") return this.#emit({ id, result: {} });
    this.#call(id, params);
  }

  /** The tool that asks the user: its result is the user's answer, or why there is none. */
  #ask(id: number, params: Params): void {
    const message = (params["arguments"] as Params | undefined)?.["text"];
    const questions = this.#random.chance(0.2) ? 2 : 1;
    for (let count = 0; count < questions; count++) {
      const question = this.#nextQuestion++;
      this.#asked.set(question, id);
      this.#emit({ id: question, method: "elicitation/create", params: { message } });
    }
  }

  #heard({ id, result }: Incoming & { result?: Params }): void {
    const call = this.#asked.get(Number(id));
    if (call === undefined || this.cancelled.has(call)) return;
    this.#asked.delete(Number(id));
    // Of several questions the last answer ends the call; one in three asks once more.
    if ([...this.#asked.values()].includes(call)) return;
    if (this.#random.chance(0.3)) {
      const again = (result?.["content"] as Params | undefined)?.["text"];
      if (again !== undefined) return this.#ask(call, { arguments: { text: again } });
    }
    const content = (result?.["content"] as Params | undefined)?.["text"] ?? "refused";
    this.#emit({ id: call, result: { content } });
  }

  #read(id: number, params: Params | undefined): void {
    if (this.#random.chance(this.#habits.dies)) return this.#die();
    if (this.#random.chance(this.#habits.neverAnswers)) return;
    this.#emit({
      id,
      result: { content: (params?.["arguments"] as Params | undefined)?.["text"] },
    });
  }

  #call(id: number, params: Params | undefined): void {
    this.#did(String((params?.["arguments"] as Params | undefined)?.["text"]));
    const { dies, answersTwice, wrongId, neverAnswers, floods } = this.#habits;
    if (this.#random.chance(dies)) return this.#die();
    if (this.#random.chance(0.1)) {
      const uri = `model://${this.#random.below(3)}`;
      this.#emit({ method: "notifications/resources/updated", params: { uri } });
    }
    const token = (params?.["_meta"] as Params | undefined)?.["progressToken"];
    const steps = this.#random.chance(floods) ? 20 : this.#random.below(3);
    for (let step = 1; token !== undefined && step <= steps; step++) {
      const progress = { progressToken: token, progress: step };
      this.#emit({ method: "notifications/progress", params: progress });
    }
    if (this.#random.chance(neverAnswers)) return;
    if (params?.["name"] === "ask") return this.#ask(id, params);
    if (this.#random.chance(wrongId))
      this.#emit({ id: id + 100_000, result: { content: "stray" } });
    const result = { content: (params?.["arguments"] as Params | undefined)?.["text"] };
    this.#emit({ id, result });
    if (this.#random.chance(answersTwice)) this.#emit({ id, result: { content: "again" } });
  }
}
