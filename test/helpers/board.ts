import { decodeAnswer, isMalformed } from "../../src/core/decode.ts";
import type { Channel, Effect } from "../../src/core/effect.ts";
import { type Fault, isFault } from "../../src/core/fault.ts";
import type { Memory } from "../../src/core/memory.ts";
import type { Message, Params, RequestId } from "../../src/core/message.ts";
import type { Session, View } from "../../src/core/session.ts";
import { Switchboard } from "../../src/core/switchboard.ts";
import type { Unit } from "../../src/core/unit.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { OpenShelf } from "./shelf.ts";

/** A JSON-RPC message as it crosses the wire. */
export type Wire = {
  readonly id?: RequestId;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Params };
};

/** A channel that keeps what is written to it. */
export class Mailbox implements Channel {
  readonly streams: boolean;
  readonly mustAnswer: boolean;
  readonly capabilities?: Params;
  readonly notes: Wire[] = [];
  answer: Wire | null = null;

  constructor(options: Partial<Pick<Channel, "streams" | "mustAnswer" | "capabilities">> = {}) {
    if (options.capabilities !== undefined) this.capabilities = options.capabilities;
    this.streams = options.streams ?? true;
    this.mustAnswer = options.mustAnswer ?? true;
  }

  write(text: string, last: boolean): void {
    const message = JSON.parse(text) as Wire;
    if (!last) return void this.notes.push(message);
    if (this.answer !== null) throw new Error(`answered twice: ${text}`);
    this.answer = message;
  }
}

/** A switchboard whose effects are carried out at once and kept, with time that the test moves. */
export class Board {
  readonly switchboard = new Switchboard(
    { name: "mcpd", version: "test" },
    {
      newQuestionId: () => this.questionId,
      secretMark: (unit) => this.markOf(unit),
      newName: () => `state ${this.#nextName++}`,
      shelf: () => this.shelf,
      recall: (unit) => this.memories.get(unit.upstream) ?? null,
    },
  );
  readonly shelf = new OpenShelf();
  readonly effects: Effect[] = [];
  /** What each upstream has been sent, by its name. */
  readonly sent = new Map<string, Wire[]>();
  /** What each session was sent outside its requests. */
  readonly pushed = new Map<Session, Wire[]>();
  nowMs = 0;
  /** What tells apart the secrets of a unit. */
  markOf: (unit: Unit) => string = () => "";
  /** The id of the first question of the sessions opened from now on. */
  questionId = 1;
  #nextSession = 1;
  #nextName = 1;
  /** What is remembered of an upstream, by its name. */
  readonly memories = new Map<string, Memory>();

  apply(...units: readonly Unit[]): void {
    this.perform(this.switchboard.apply(units, this.nowMs));
  }

  open(view: View = { kind: "all" }, project: string | null = null): Session {
    const id = `session-${this.#nextSession++}`;
    const session = this.switchboard.open({ id, view, principal: "key", project });
    if (isFault(session)) throw new Error(session.text);
    return session;
  }

  /** A session that has shaken hands; the upstream of a single view must be answering. */
  join(view: View = { kind: "all" }, name = "tester"): Session {
    const session = this.open(view);
    const clientInfo = { name, version: "1" };
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
    const box = this.ask(session, "initialize", params, "hello");
    if (box.answer?.error !== undefined) throw new Error(box.answer.error.message);
    return session;
  }

  ask(
    session: Session,
    method: string,
    params?: Params,
    id: RequestId = 1,
    box: Mailbox = new Mailbox(),
  ): Mailbox {
    const message = { kind: "request", id, method, params } as const;
    this.perform(this.switchboard.fromClient(session, message, box, this.nowMs));
    return box;
  }

  tell(session: Session, method: string, params?: Params): void {
    const message = { kind: "notification", method, params } as const;
    this.perform(this.switchboard.fromClient(session, message, new Mailbox(), this.nowMs));
  }

  /** A client answers what it was asked. */
  replies(session: Session, message: Wire): void {
    const decoded: Message | { kind: "malformed" } = decodeAnswer(
      JSON.stringify({ jsonrpc: "2.0", ...message }),
    );
    if (isMalformed(decoded)) throw new Error("the test sent nonsense");
    const box = new Mailbox();
    this.perform(this.switchboard.fromClient(session, decoded as Message, box, this.nowMs));
  }

  upstream(name: string): Upstream {
    const upstream = this.switchboard.upstreams.find((candidate) => candidate.name === name);
    if (upstream === undefined) throw new Error(`no upstream ${name}`);
    return upstream;
  }

  /** Brings an upstream up: opens the link, answers the handshake and all four lists. */
  start(name: string, lists: Lists = {}, about: Params = {}): Upstream {
    const upstream = this.upstream(name);
    this.startThis(upstream, lists, about);
    return upstream;
  }

  startThis(upstream: Upstream, lists: Lists = {}, about: Params = {}): void {
    this.perform(this.switchboard.opened(upstream, this.nowMs));
    this.reply(upstream, this.last(upstream.name, "initialize"), {
      protocolVersion: "2025-06-18",
      capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {} },
      serverInfo: { name: `${upstream.name}-server`, version: "1" },
      ...about,
    });
    for (const method of ["tools", "prompts", "resources", "resources/templates"] as const) {
      const key = method === "resources/templates" ? "resourceTemplates" : method;
      const request = this.find(upstream.name, `${method}/list`);
      if (request !== undefined) this.reply(upstream, request, { [key]: lists[key] ?? [] });
    }
  }

  reply(upstream: Upstream, request: Wire, result: Params): void {
    this.says(upstream, { id: request.id ?? 0, result });
  }

  says(upstream: Upstream, message: Wire): void {
    const decoded: Message | { kind: "malformed" } = decodeAnswer(
      JSON.stringify({ jsonrpc: "2.0", ...message }),
    );
    if (isMalformed(decoded)) throw new Error("the test sent nonsense");
    this.perform(this.switchboard.fromUpstream(upstream, decoded as Message, this.nowMs));
  }

  lose(upstream: Upstream, problem: Fault, retrying: boolean): void {
    this.perform(this.switchboard.lost(upstream, problem, retrying, this.nowMs));
  }

  pass(durationMs: number): void {
    this.nowMs += durationMs;
    this.perform(this.switchboard.tick(this.nowMs));
  }

  /** The newest message of a method that an upstream was sent. */
  last(name: string, method: string): Wire {
    const found = this.find(name, method);
    if (found === undefined) throw new Error(`${name} was never sent ${method}`);
    return found;
  }

  find(name: string, method: string): Wire | undefined {
    return this.sent.get(name)?.findLast((message) => message.method === method);
  }

  count(name: string, method: string): number {
    return (this.sent.get(name) ?? []).filter((message) => message.method === method).length;
  }

  perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.effects.push(effect);
      if (effect.kind === "answer") effect.channel.write(effect.text, true);
      if (effect.kind === "note") effect.channel.write(effect.text, false);
      if (effect.kind === "push") {
        const messages = this.pushed.get(effect.session) ?? [];
        this.pushed.set(effect.session, [...messages, JSON.parse(effect.text) as Wire]);
      }
      if (effect.kind === "send") {
        const messages = this.sent.get(effect.upstream.name) ?? [];
        this.sent.set(effect.upstream.name, [...messages, JSON.parse(effect.text) as Wire]);
      }
    }
  }
}

/** What an upstream answers to its list requests. */
export type Lists = {
  readonly tools?: readonly Params[];
  readonly prompts?: readonly Params[];
  readonly resources?: readonly Params[];
  readonly resourceTemplates?: readonly Params[];
};
