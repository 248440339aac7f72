// bridge: MCP on our standard streams for a client that can only start a command, carried to the
// daemon's private socket and, when the daemon restarts, over to the next one.

import { backoffDelay, type BackoffPolicy } from "../core/backoff.ts";
import { decodeBatch, isMalformed } from "../core/decode.ts";
import { type Fault, fault, isFault, textWithHint } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse, type RequestId } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import { LineSplitter } from "../lib/lines.ts";
import { Tidy } from "../lib/tidy.ts";
import { type StdioStreams, StdioWire } from "../transport/stdio-server.ts";
import { Conversation } from "./conversation.ts";
import { type Attachment, dial, type Line } from "./dial.ts";
import { type Head, headOf } from "./head.ts";

/** A socket of our own machine costs nothing to try, and every try missed is felt. */
const REDIAL: BackoffPolicy = { firstMs: 20, maxMs: 2_000, stableMs: 0 };
/** The daemon judges how long a message may be; this only keeps one line from filling memory. */
const CLIENT_LINE_BYTES_MAX = 1_073_741_824;

export type BridgeOptions = {
  /** The daemon's private socket. */
  readonly address: string;
  readonly attachment: Attachment;
  readonly streams: StdioStreams;
  /** Starts a daemon and resolves once it runs; the fault is why there will be none. */
  readonly startDaemon: () => Promise<Fault | null>;
  /** Tells people what happens, one line at a time. */
  readonly say: (text: string) => void;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
};

/** One client on our standard streams and the daemon it talks to, whichever runs. */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #clock: Clock;
  readonly #client: StdioWire;
  readonly #conversation = new Conversation();
  readonly #tidy: Tidy;
  readonly #encoder = new TextEncoder();
  readonly #over = Promise.withResolvers<void>();
  /** The client has gone, or is going. */
  #ended = false;
  /** The daemon we talk to; null while there is none. */
  #line: Line | null = null;
  #reconnecting = false;
  /** What the client has said meanwhile. */
  #queue: string[] = [];
  #queuedLength = 0;
  /** Why there is no daemon, once the client is not kept waiting for it any more. */
  #problem: Fault | null = null;
  /** Whether the client has asked for anything since the daemon went away. */
  #wanted = true;
  /** Since when there is no daemon, and when one may be started; monotonic milliseconds. */
  #absentSinceMs: number;
  #startAtMs: number;
  /** When the client was last sent what is no answer. */
  #noteMs = Number.NEGATIVE_INFINITY;
  /** Answers that wait a moment behind such a message. */
  #held = 0;
  /** Lets our input be read on. */
  #resume: (() => void) | null = null;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#tidy = new Tidy(options.clock);
    this.#absentSinceMs = options.clock.monotonic();
    this.#startAtMs = this.#absentSinceMs;
    const lines = new LineSplitter(CLIENT_LINE_BYTES_MAX, {
      line: (text) => this.#fromClient(text),
      tooLong: () => options.say("a message was dropped: it is larger than 1 GiB"),
    });
    this.#client = new StdioWire(options.streams, {
      data: (chunk) => {
        lines.push(chunk);
        return this.#room();
      },
      drained: () => this.#line?.wire.resume(),
      closed: (asked) => {
        if (asked) lines.end();
        this.#leave(asked);
      },
    });
  }

  /** Carries messages until the client closes our input, or no longer reads our output. */
  async run(): Promise<void> {
    void this.#client.read();
    void this.#keepConnected();
    await this.#over.promise;
    this.#tidy.stop();
    this.#line?.wire.close();
  }

  async #keepConnected(): Promise<void> {
    for (let attempt = 0; !this.#ended; attempt += 1) {
      const { address, attachment } = this.#options;
      const line = await dial(address, attachment, this.#conversation, {
        line: (bytes) => this.#fromDaemon(bytes),
        chunkEnd: (bytes) => this.#chunkEnd(bytes),
        drained: () => this.#release(),
      });
      if (isFault(line)) {
        await this.#absent(line, attempt);
        continue;
      }
      this.#connected(line);
      await line.gone;
      this.#lost();
      attempt = -1;
    }
  }

  #connected(line: Line): void {
    if (this.#problem !== null || this.#reconnecting) this.#options.say("connected");
    this.#line = line;
    this.#problem = null;
    for (const text of this.#queue.splice(0)) this.#send(line, text);
    this.#queuedLength = 0;
    this.#tell(this.#conversation.news());
    this.#release();
  }

  #lost(): void {
    this.#line = null;
    const nowMs = this.#clock.monotonic();
    this.#absentSinceMs = nowMs;
    this.#startAtMs = nowMs + LIMITS.bridgeGraceMs;
    this.#reconnecting = true;
    if (!this.#ended) this.#options.say("the daemon went away: connecting again");
    this.#tell(this.#conversation.lost());
    this.#wanted = this.#conversation.waiting;
    this.#release();
    this.#leaveWhenDone();
  }

  /** One attempt to reach a daemon has failed: start one, give the client up, or wait. */
  async #absent(problem: Fault, attempt: number): Promise<void> {
    const nowMs = this.#clock.monotonic();
    const missing = problem.code === "daemon.unreachable";
    if (missing && this.#wanted && nowMs >= this.#startAtMs) {
      this.#wanted = false;
      this.#startAtMs = nowMs + LIMITS.bridgePatienceMs;
      const refused = await this.#options.startDaemon();
      if (refused === null) return;
      this.#giveUp(refused);
    } else if (!missing || nowMs - this.#absentSinceMs > LIMITS.bridgePatienceMs) {
      this.#giveUp(problem);
    }
    await this.#clock.sleep(backoffDelay(attempt, this.#options.random(), REDIAL));
  }

  /** The client is told, now and from now on, while the daemon is still being looked for. */
  #giveUp(problem: Fault): void {
    if (this.#problem?.text !== problem.text) {
      this.#options.say(textWithHint(problem));
    }
    this.#problem = problem;
    this.#tell(this.#conversation.abandon(problem));
    for (const text of this.#queue.splice(0)) this.#refuse(text, problem);
    this.#queuedLength = 0;
    this.#release();
    this.#leaveWhenDone();
  }

  #fromClient(text: string): void {
    if (this.#line !== null) return this.#send(this.#line, text);
    this.#wanted = true;
    if (this.#problem !== null) return this.#refuse(text, this.#problem);
    this.#queue.push(text);
    this.#queuedLength += text.length;
  }

  #send({ wire }: Line, text: string): void {
    if (this.#conversation.sends(text)) wire.send(text);
  }

  #refuse(text: string, problem: Fault): void {
    this.#tell(
      decodeBatch(text).flatMap((message) => {
        if (isMalformed(message)) return [encode(faultResponse(message.id, message.fault))];
        return message.kind === "request" ? [encode(faultResponse(message.id, problem))] : [];
      }),
    );
  }

  #fromDaemon(bytes: Uint8Array): void {
    const head = headOf(bytes);
    switch (this.#conversation.hears(head, bytes)) {
      case "drop":
        return;
      case "refuse": {
        const text = "An older question of the same id is open at the client";
        const refusal = faultResponse(idOf(head), fault("question.nobody", text));
        return this.#line?.wire.send(encode(refusal));
      }
      case "pass":
        this.#deliver(bytes, head);
        this.#leaveWhenDone();
    }
  }

  /**
   * Official clients lose a notification that arrives in one chunk with the answer it belongs to:
   * an answer stays LIMITS.resultGapMs behind, as it does when the daemon sends it.
   */
  #deliver(bytes: Uint8Array, head: Head): void {
    if (head.kind !== "response") {
      this.#noteMs = this.#clock.monotonic();
    } else if (this.#clock.monotonic() - this.#noteMs < LIMITS.resultGapMs) {
      this.#held += 1;
      this.#clock.after(LIMITS.resultGapMs, () => {
        this.#held -= 1;
        this.#client.line(bytes);
        this.#chunkEnd(0);
        this.#leaveWhenDone();
      });
      return;
    }
    this.#client.line(bytes);
  }

  #chunkEnd(bytes: number): void {
    this.#client.flush();
    this.#tidy.passed(bytes);
    if (this.#client.congested) this.#line?.wire.pause();
  }

  #tell(texts: readonly string[]): void {
    for (const text of texts) this.#client.line(this.#encoder.encode(text));
    if (texts.length > 0) this.#client.flush();
  }

  /** Nothing while there is room for what the client says next, else a promise of it. */
  #room(): Promise<void> | undefined {
    if (!this.#full()) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    return promise;
  }

  #full(): boolean {
    if (this.#line !== null) return this.#line.wire.congested;
    return this.#queuedLength > LIMITS.socketQueueBytes;
  }

  #release(): void {
    if (this.#full()) return;
    this.#resume?.();
    this.#resume = null;
  }

  /** The client has closed our input (`asked`): it gets a moment to take what it is owed. */
  #leave(asked: boolean): void {
    this.#ended = true;
    if (!asked) return this.#over.resolve();
    this.#clock.after(LIMITS.drainAnswersMs, () => this.#over.resolve());
    this.#leaveWhenDone();
  }

  #leaveWhenDone(): void {
    if (!this.#ended) return;
    const owed = this.#conversation.waiting || this.#queue.length > 0 || this.#held > 0;
    if (!owed) this.#over.resolve();
  }
}

function idOf(head: Head): RequestId | null {
  return head.id === null ? null : (JSON.parse(head.id) as RequestId);
}
