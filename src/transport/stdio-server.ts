const LINE_END = new Uint8Array([10]);

/** What the owner of our standard streams hears; `closed` comes once and last. */
export type StdioEvents = {
  /** Bytes of the client. The next are read once the promise has resolved, if there is one. */
  data(chunk: Uint8Array): Promise<void> | undefined;
  /** The client has taken all that waited. */
  drained(): void;
  /** It has closed our input (`asked`), or does not read our output any more. */
  closed(asked: boolean): void;
};

/** The two streams, as Bun has them: process.stdin and process.stdout take ten milliseconds. */
export type StdioStreams = {
  readonly input: ReadableStream<Uint8Array>;
  readonly output: Pick<Bun.FileSink, "write" | "flush">;
};

export function ownStreams(): StdioStreams {
  return { input: Bun.stdin.stream(), output: Bun.stdout.writer() };
}

/** Our own standard input and output as the wire of one client (MCP basic/transports, stdio). */
export class StdioWire {
  readonly #streams: StdioStreams;
  readonly #events: StdioEvents;
  /** Writes that have not been taken. */
  #waiting = 0;
  #closed = false;

  constructor(streams: StdioStreams, events: StdioEvents) {
    this.#streams = streams;
    this.#events = events;
  }

  /** True while something waits because the client does not read: drained() ends it. */
  get congested(): boolean {
    return this.#waiting > 0;
  }

  /** Reads until the client closes our input. */
  async read(): Promise<void> {
    const reader = this.#streams.input.getReader();
    for (;;) {
      const { value, done } = await reader.read().catch(asEnd);
      if (done || value === undefined) return this.#close(true);
      const held = this.#events.data(value);
      if (held !== undefined) await held;
    }
  }

  /** Queues one line, given without its end, until flush(). What does not fit waits in memory. */
  line(bytes: Uint8Array): void {
    this.write(bytes);
    this.write(LINE_END);
  }

  /** Queues bytes as they are until flush(). */
  write(bytes: Uint8Array): void {
    this.#await((output) => output.write(bytes));
  }

  /** Hands over what is queued, in one write if it fits. */
  flush(): void {
    this.#await((output) => output.flush());
  }

  #await(action: (output: StdioStreams["output"]) => number | Promise<number>): void {
    if (this.#closed) return;
    let result: number | Promise<number>;
    try {
      result = action(this.#streams.output);
    } catch {
      return this.#close(false);
    }
    if (typeof result === "number") return;
    this.#waiting += 1;
    result.then(
      () => {
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#events.drained();
      },
      () => this.#close(false),
    );
  }

  #close(asked: boolean): void {
    if (this.#closed) return;
    // Who has closed our input may still want the answers it is owed.
    this.#closed = !asked;
    this.#events.closed(asked);
  }
}

function asEnd(): { readonly done: true; readonly value: undefined } {
  return { done: true, value: undefined };
}
