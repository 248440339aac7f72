import type { Channel } from "../core/effect.ts";
import { LIMITS } from "../core/limits.ts";
import type { Message } from "../core/message.ts";
import type { Session } from "../core/session.ts";
import type { SessionPort } from "../transport/door.ts";
import type { LiveDesk } from "./desk.ts";

/** One session with the place its unasked-for messages go to. */
export class LiveSession implements SessionPort {
  readonly session: Session;
  #seenMs: number;
  readonly #desk: LiveDesk;
  #listener: Channel | null = null;
  /** What came while nobody listened: kept for the next listener, each text once, bounded. */
  readonly #backlog = new Set<string>();

  constructor(session: Session, desk: LiveDesk) {
    this.session = session;
    this.#desk = desk;
    this.#seenMs = desk.now();
  }

  get id(): string {
    return this.session.id;
  }

  get view(): Session["view"] {
    return this.session.view;
  }

  get protocolVersion(): string | null {
    return this.session.protocolVersion;
  }

  get idle(): boolean {
    return this.#listener === null && this.session.pending.size === 0;
  }

  /** When it was last used (monotonic ms): now, as long as its client listens or waits. */
  get seenMs(): number {
    return this.idle ? this.#seenMs : this.#desk.now();
  }

  /** Its client has sent something. */
  seen(nowMs: number): void {
    this.#seenMs = nowMs;
  }

  receive(message: Message, channel: Channel): void {
    const { hold } = this.#desk;
    if (hold.on) hold.take(message, channel, () => this.#desk.receive(this, message, channel));
    else this.#desk.receive(this, message, channel);
  }

  listen(channel: Channel): () => void {
    this.#listener = channel;
    const backlog = [...this.#backlog];
    this.#backlog.clear();
    for (const text of backlog) channel.write(text, false);
    return () => {
      if (this.#listener === channel) this.#listener = null;
      this.#desk.use(this);
    };
  }

  push(text: string, keep: boolean): void {
    if (this.#listener !== null) return this.#listener.write(text, false);
    if (!keep) return;
    this.#backlog.add(text);
    const [oldest = ""] = this.#backlog;
    if (this.#backlog.size > LIMITS.backlogPerSession) this.#backlog.delete(oldest);
  }

  sleep(): void {
    this.#desk.rest(this);
  }

  close(): void {
    this.#desk.forget(this, "the client left");
  }
}
