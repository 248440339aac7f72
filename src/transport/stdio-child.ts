import { isUtf8 } from "node:buffer";

import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import { reasonOf } from "../lib/files.ts";
import { ByteLineSplitter } from "../lib/lines.ts";
import type { CloseReason, Link, LinkEvents } from "./link.ts";

/** The ends of a child process that a link needs, as Bun.spawn with `lazy: true` gives them. */
export type ChildPipes = {
  readonly stdin: {
    write(text: string): number | Promise<number>;
    flush(): number | Promise<number>;
    end(): unknown;
  };
  readonly stdout: ReadableStream<Uint8Array>;
  /** False once the process is known to be gone: a write would vanish without a word. */
  alive(): boolean;
};

export type StdioLimits = {
  /** The longest message it may send, which the config may change; a longer line is noise. */
  readonly lineBytesMax: () => number;
  /** What may wait for a child that does not read its input. */
  readonly queueBytesMax: number;
};

/** How long a child that no longer takes input may go on sending what it still had to say. */
const LAST_WORDS_MS = 1000;

/**
 * The stdio transport of MCP (2025-11-25, basic/transports): one message per line, both ways. What
 * is sent within one turn of the event loop leaves as one write; output is read only as fast as it
 * is handled, so that the operating system holds a flooding child back.
 */
export class StdioChildLink implements Link {
  readonly #pipes: ChildPipes;
  readonly #events: LinkEvents;
  readonly #limits: StdioLimits;
  readonly #clock: Clock;
  readonly #decoder = new TextDecoder();
  readonly #flushSoon = (): void => this.#flush();
  #queue: string[] = [];
  /** Queued, or given to a write that has not ended. */
  #waitingBytes = 0;
  #writing = false;
  #takesInput = true;
  #closed = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;

  /** `failed` hears of what our own handlers throw. */
  constructor(
    pipes: ChildPipes,
    events: LinkEvents,
    limits: StdioLimits,
    clock: Clock,
    failed: (error: unknown) => void = reportError,
  ) {
    this.#pipes = pipes;
    this.#events = events;
    this.#limits = limits;
    this.#clock = clock;
    this.#read().catch((error: unknown) => {
      // A message we stumble over must not leave a link that looks alive and hears nothing.
      this.close({ kind: "error", text: `mcpd failed on what it sent: ${String(error)}` });
      failed(error);
    });
  }

  send(text: string): boolean {
    if (this.#closed || !this.#takesInput || !this.#pipes.alive()) return false;
    const bytes = Buffer.byteLength(text) + 1;
    // One message is taken however long it is, else it could never be sent.
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > this.#limits.queueBytesMax)
      return false;
    this.#waitingBytes += bytes;
    // After the requests that have arrived together: a microtask would write each for itself.
    if (this.#queue.push(text) === 1 && !this.#writing) setImmediate(this.#flushSoon);
    return true;
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#queue = [];
    void Promise.resolve(this.#reader?.cancel()).catch(ignore);
    void Promise.resolve(this.#endInput()).catch(ignore);
    this.#events.closed(reason);
  }

  #flush(): void {
    if (this.#writing || this.#queue.length === 0 || this.#closed || !this.#takesInput) return;
    const batch = `${this.#queue.join("\n")}\n`;
    this.#queue = [];
    try {
      const written = this.#pipes.stdin.write(batch);
      const flushed = this.#pipes.stdin.flush();
      if (typeof written === "number" && typeof flushed === "number") {
        this.#waitingBytes = 0;
        return;
      }
      this.#writing = true;
      Promise.all([written, flushed]).then(
        () => this.#written(),
        (error: unknown) => this.#inputBroke(error),
      );
    } catch (error) {
      this.#inputBroke(error);
    }
  }

  #written(): void {
    this.#writing = false;
    this.#waitingBytes = this.#queue.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
    this.#flush();
  }

  /** Usually the child is dying: what it has written before is still worth reading. */
  #inputBroke(error: unknown): void {
    if (this.#closed || !this.#takesInput) return;
    this.#takesInput = false;
    this.#queue = [];
    const why = reasonOf(error);
    const text = `it takes no more input: ${why}`;
    this.#clock.after(LAST_WORDS_MS, () => this.close({ kind: "error", text }));
  }

  async #read(): Promise<void> {
    const splitter = new ByteLineSplitter(this.#limits.lineBytesMax, {
      line: (bytes) => this.#line(bytes),
      tooLong: (head) => {
        if (this.#closed) return;
        const bytesMax = this.#limits.lineBytesMax();
        this.#events.noise(`a line of more than ${bytesMax} bytes: ${head}`, { head, bytesMax });
      },
    });
    this.#reader = this.#pipes.stdout.getReader();
    for (;;) {
      const chunk = await this.#reader.read().catch(asClose);
      if ("kind" in chunk) return this.close(chunk);
      if (chunk.done) break;
      splitter.push(chunk.value);
    }
    splitter.end();
    this.close({ kind: "remote", text: "it closed its output" });
  }

  #line(bytes: Uint8Array): void {
    if (this.#closed) return;
    // As text it would be copied once here and again where it goes.
    const long = bytes.length > LIMITS.answerParseLength && bytes[0] === BRACE;
    if (long && isUtf8(bytes)) return this.#events.message(bytes);
    const text = this.#decoder.decode(bytes);
    // Only an object or a batch can be a message; whether it is one, the core finds out.
    const first = text.charCodeAt(0);
    if (first === BRACE || first === BRACKET || /^\s*[{[]/.test(text)) this.#events.message(text);
    else this.#events.noise(text);
  }

  #endInput(): unknown {
    try {
      return this.#pipes.stdin.end();
    } catch {
      return undefined;
    }
  }
}

const BRACE = 123;
const BRACKET = 91;

function asClose(error: unknown): CloseReason {
  return { kind: "error", text: `its output cannot be read: ${String(error)}` };
}

function ignore(): void {
  // The pipe is gone, which is what was wanted.
}
