import { decodeAnswer } from "../core/decode.ts";
import type { Fault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import type { Message } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import type { Cut } from "./link.ts";

/** Where the token comes from for a server that wants one (OAuth). */
export interface Login {
  /** The token to send; null when nobody has logged in. */
  token(): Promise<string | null>;
  /** The server refuses this token, or wants one: a fresh one, or what is to be done. */
  renew(refused: string | null): Promise<string | Fault>;
  /** The token is good, but its rights do not reach: the next login asks for these too. */
  lacks(scope: string): Promise<void>;
}

/** Where a remote upstream is, nothing left to resolve. It holds secrets: never log it whole. */
export type RemoteTarget = {
  readonly upstream: string;
  readonly wire: "http" | "sse" | "ws";
  /** The address for people: without what may be secret. */
  readonly shown: string;
  /** Without user and password: those are in the headers. */
  readonly url: URL;
  readonly headers: { readonly [name: string]: string };
};

export type RemoteDeps = {
  /** Null when the headers say who we are. */
  readonly login: Login | null;
  readonly clock: Clock;
  /** A number from 0 to below 1, for the jitter of reconnecting. */
  readonly random: () => number;
  /** The longest message it may send; the config may change it. */
  readonly answerBytesMax: () => number;
};

/** What the owner of a link to a remote upstream hears; `closed` comes once and last. */
export interface RemoteEvents {
  message(text: string): void;
  /** It sent what is no message, or refused one that nobody waits for an answer to. */
  noise(text: string, cut?: Cut): void;
  closed(problem: Fault): void;
}

/** The messages in what came as one: servers of 2025-03-26 may send a batch. */
export function messagesIn(text: string): readonly string[] {
  if (!/^\s*\[/.test(text)) return [text];
  try {
    const batch: unknown = JSON.parse(text);
    return Array.isArray(batch) ? batch.map((message) => JSON.stringify(message)) : [text];
  } catch {
    return [text];
  }
}

/** Whether it can be a message at all: an object. What is in it, the core finds out. */
export function looksLikeMessage(text: string): boolean {
  return /^\s*\{/.test(text);
}

/**
 * Messages on their way out. They leave at once and side by side, since each is a request of its
 * own over HTTP; but nothing overtakes what says that the session has begun.
 */
export class Outbox {
  readonly #post: (text: string, message: Message) => Promise<void>;
  #held: string[] | null = null;
  #bytes = 0;

  /** `post` resolves when the other side has taken the message, or it is clear that it will not. */
  constructor(post: (text: string, message: Message) => Promise<void>) {
    this.#post = post;
  }

  /** False when too much waits already. One message is taken however long it is. */
  push(text: string): boolean {
    const bytes = Buffer.byteLength(text);
    if (this.#bytes > 0 && this.#bytes + bytes > LIMITS.upstreamQueueBytes) return false;
    this.#bytes += bytes;
    if (this.#held === null) void this.#send(text, bytes);
    else this.#held.push(text);
    return true;
  }

  /** Keeps what is pushed until release(). */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const text of held) void this.#send(text, Buffer.byteLength(text));
  }

  async #send(text: string, bytes: number): Promise<void> {
    const message = decodeAnswer(text);
    if (message.kind === "malformed") return;
    const barrier =
      message.kind === "notification" && message.method === "notifications/initialized";
    if (barrier) this.hold();
    await this.#post(text, message);
    this.#bytes -= bytes;
    if (barrier) this.release();
  }
}
