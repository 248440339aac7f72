import { decodeAnswer, isMalformed } from "../../src/core/decode.ts";
import type { Channel, Effect } from "../../src/core/effect.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params, RequestId } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import { Switchboard } from "../../src/core/switchboard.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { unitOf } from "../helpers/unit.ts";
import { PORTS } from "./ports.ts";
import { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import { UpstreamModel } from "./upstream-model.ts";

const END_MS = 120_000;
/** What became of the requests of one run. */
export type Outcomes = {
  reads: number;
  readsFailed: number;
  writes: number;
  /** Told that the outcome is unknown. */
  unknown: number;
  /** Told anything else than the result. */
  refused: number;
  deaths: number;
  /** Broken promises, in words. */
  readonly violations: string[];
};

/**
 * Clients that read and write at one upstream with three replicas, of which one at a time dies, in
 * the middle of whatever it does. They come back by themselves.
 */
export class Replicated {
  readonly #outcomes: Outcomes = {
    reads: 0,
    readsFailed: 0,
    writes: 0,
    unknown: 0,
    refused: 0,
    deaths: 0,
    violations: [],
  };
  readonly #random: Random;
  readonly #schedule = new Schedule();
  readonly #board = new Switchboard({ name: "mcpd", version: "sim" }, PORTS);
  readonly #models = new Map<Upstream, UpstreamModel>();
  readonly #done = new Map<string, number>();
  readonly #open = new Set<string>();
  #next = 1;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  run(clients: number, requests: number): Outcomes {
    const reach = { kind: "stdio", command: "model", args: [], env: {}, cwd: null } as const;
    const unit = unitOf("a", { reach: { ...reach, replicas: 3 } });
    const settings = { ...unit.settings, requestTimeoutMs: 60_000, hedgeMs: 200 };
    this.#perform(this.#board.apply([{ ...unit, settings }], 0));
    const sessions = Array.from({ length: clients }, (_, index) => this.#join(index));
    for (let count = 0; count < requests; count++) {
      const atMs = 1_000 + this.#random.below(60_000);
      this.#schedule.after(atMs, () => this.#act(this.#random.pick(sessions)));
    }
    // Far enough apart for each to be back before the next goes.
    for (let atMs = 3_000; atMs < 60_000; atMs += 2_000) {
      this.#schedule.after(atMs, () => this.#killOne());
    }
    for (let atMs = 0; atMs < END_MS; atMs += LIMITS.tickMs) {
      this.#schedule.after(atMs, () => this.#perform(this.#board.tick(this.#schedule.nowMs)));
    }
    this.#schedule.run(END_MS);
    for (const text of this.#open) this.#blame(`never answered: ${text}`);
    return this.#outcomes;
  }

  #join(index: number): Session {
    const view = { kind: "all" } as const;
    const id = `session-${index}`;
    const session = this.#board.open({ id, view, principal: "key", project: null });
    if (isFault(session)) throw new Error(session.text);
    this.#send(session, 0, "initialize", { protocolVersion: "2025-06-18" }, () => undefined);
    return session;
  }

  #act(session: Session): void {
    const id = this.#next++;
    const text = `${session.id}:${id}`;
    this.#open.add(text);
    const write = this.#random.chance(0.5);
    if (write) this.#outcomes.writes += 1;
    else this.#outcomes.reads += 1;
    const method = write ? "tools/call" : "prompts/get";
    const params = { name: write ? "echo" : "say", arguments: { text } };
    this.#send(session, id, method, params, (answer) => {
      if (!this.#open.delete(text)) this.#blame(`answered twice: ${text}`);
      if (write) this.#wrote(text, answer);
      else if (answer.result?.["content"] !== text) this.#outcomes.readsFailed += 1;
    });
  }

  #wrote(text: string, { result, error }: Answer): void {
    const times = this.#done.get(text) ?? 0;
    if (result?.["content"] === text) {
      if (times !== 1) this.#blame(`${text} was answered and done ${times} times`);
    } else if ((error?.["data"] as Params | undefined)?.["fault"] === "upstream.lost") {
      this.#outcomes.unknown += 1;
    } else {
      this.#outcomes.refused += 1;
    }
  }

  #send(
    session: Session,
    id: RequestId,
    method: string,
    params: Params,
    answered: (answer: Answer) => void,
  ): void {
    const channel: Channel = {
      streams: true,
      mustAnswer: true,
      write: (text, last) => {
        if (last) answered(JSON.parse(text) as Answer);
      },
    };
    const message = { kind: "request", id, method, params } as const;
    this.#perform(this.#board.fromClient(session, message, channel, this.#schedule.nowMs));
  }

  #killOne(): void {
    const live = [...this.#models].filter(([, model]) => model.alive);
    if (live.length < 3) return;
    const [upstream, model] = this.#random.pick(live);
    model.alive = false;
    this.#outcomes.deaths += 1;
    const problem = fault("upstream.failed", "it was killed", upstream.name);
    this.#perform(this.#board.lost(upstream, problem, true, this.#schedule.nowMs));
    this.#schedule.after(this.#random.below(1_000), () => this.#start(upstream));
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "answer") effect.channel.write(effect.text, true);
      else if (effect.kind === "send") this.#models.get(effect.upstream)?.receive(effect.text);
      else if (effect.kind === "demand" && !this.#models.has(effect.upstream)) {
        this.#start(effect.upstream);
      }
    }
  }

  #start(upstream: Upstream): void {
    if (this.#models.get(upstream)?.alive === true) return;
    const never = { dies: 0, answersTwice: 0, wrongId: 0, neverAnswers: 0, floods: 0 };
    const model = new UpstreamModel(
      this.#random,
      this.#schedule,
      { slowMs: 400, ...never },
      (message) => {
        const decoded = decodeAnswer(JSON.stringify(message));
        if (isMalformed(decoded)) return this.#blame("the model sent nonsense");
        this.#perform(this.#board.fromUpstream(upstream, decoded, this.#schedule.nowMs));
      },
      () => this.#blame("a model died by itself"),
      (text) => {
        const times = (this.#done.get(text) ?? 0) + 1;
        this.#done.set(text, times);
        if (times > 1) this.#blame(`carried out ${times} times: ${text}`);
      },
    );
    this.#models.set(upstream, model);
    this.#perform(this.#board.opened(upstream, this.#schedule.nowMs));
  }

  #blame(text: string): void {
    this.#outcomes.violations.push(`${Math.round(this.#schedule.nowMs)} ms: ${text}`);
  }
}

type Answer = { readonly result?: Params; readonly error?: Params };
