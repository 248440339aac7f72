import { fault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse } from "../core/message.ts";
import { LineSplitter } from "../lib/lines.ts";
import type { Log } from "../lib/log.ts";
import { oneLine } from "./one-line.ts";

/** One client of the private socket, as the program sees it. */
export interface SocketConnection {
  /** Queues one message; false when the connection is over. */
  send(text: string): boolean;
  /** Sends what is queued, then hangs up. */
  close(): void;
}

/** What the program hears of a connection, in order. */
export type SocketEvents = {
  /** One line: what it means is not decided here. */
  message(text: string): void;
  /** Once and last, whoever ended it. */
  closed(): void;
};

export type SocketOptions = ConnectionOptions & {
  /** A Unix socket path, or a named pipe (\\.\pipe\...). */
  readonly address: string;
};

export type ConnectionOptions = {
  readonly log: Log;
  readonly messageBytesMax: () => number;
  /** Called for each client. */
  readonly accept: (connection: SocketConnection) => SocketEvents;
};

/** What a connection needs of a socket of Bun or of Node. */
export interface Wire {
  /** How many of the bytes were taken; the rest has to wait for drained(). */
  write(bytes: Uint8Array): number;
  /** Hangs up after what was taken. */
  end(): void;
  /** Hangs up at once. */
  drop(): void;
}

/** Lines in, lines out, both bounded (DESIGN section 5; MCP basic/transports, stdio framing). */
export class LineConnection implements SocketConnection {
  readonly #wire: Wire;
  readonly #log: Log;
  readonly #lines: LineSplitter;
  readonly #events: SocketEvents;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #state: "open" | "closing" | "closed" = "open";

  constructor(wire: Wire, options: ConnectionOptions) {
    this.#wire = wire;
    this.#log = options.log;
    this.#events = options.accept(this);
    const bytesMax = options.messageBytesMax();
    this.#lines = new LineSplitter(bytesMax, {
      line: (text) => {
        if (this.#state === "open") this.#events.message(text);
      },
      tooLong: () => {
        const text = `The message is too large: the limit is ${bytesMax} bytes`;
        const problem = fault("message.too-large", text, "", { limitBytes: bytesMax });
        this.send(encode(faultResponse(null, problem)));
      },
    });
  }

  send(text: string): boolean {
    if (this.#state !== "open") return false;
    const bytes = Buffer.from(`${oneLine(text)}\n`);
    if (this.#queue.length === 0) {
      this.#enqueue(this.#written(bytes));
      return true;
    }
    // A message of any size may wait alone: how large one may be is decided where it comes from.
    if (this.#queuedBytes + bytes.length > LIMITS.socketQueueBytes) {
      this.#log.warning("Closed a socket whose client does not read", {
        queuedBytes: this.#queuedBytes,
      });
      this.#wire.drop();
      this.ended();
      return false;
    }
    this.#enqueue(bytes);
    return true;
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    if (this.#queue.length === 0) this.#wire.end();
  }

  /** For the wire: bytes have come. */
  received(chunk: Uint8Array): void {
    if (this.#state === "open") this.#lines.push(chunk);
  }

  /** For the wire: more can be written. */
  drained(): void {
    if (this.#state === "closed" || this.#queue.length === 0) return;
    const waiting = Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#enqueue(this.#written(waiting));
    if (this.#queue.length === 0 && this.#state === "closing") this.#wire.end();
  }

  /** For the wire: it is over. */
  ended(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#events.closed();
  }

  /** Writes what the wire takes and gives back the rest. */
  #written(bytes: Uint8Array): Uint8Array {
    return bytes.subarray(Math.max(0, this.#wire.write(bytes)));
  }

  #enqueue(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }
}
