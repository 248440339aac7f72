/** Standard streams of a program whose client is the test. */
import type { StdioStreams } from "../../src/transport/stdio-server.ts";

export class Streams implements StdioStreams {
  readonly input: ReadableStream<Uint8Array>;
  /** Each write as its reader would get it, and when. */
  readonly chunks: { readonly text: string; readonly atMs: number }[] = [];
  /** Called after each write. */
  wrote: () => void = () => undefined;
  /** What writes return while the reader does not read. */
  slow: Promise<number> | null = null;
  /** Makes writes fail: the reader has gone. */
  broken = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #queued = "";

  constructor() {
    this.input = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
    });
  }

  readonly output: StdioStreams["output"] = {
    write: (bytes) => {
      if (this.broken) throw new Error("EPIPE");
      this.#queued += Buffer.from(bytes as Uint8Array).toString();
      return this.slow ?? (bytes as Uint8Array).length;
    },
    flush: () => {
      if (this.broken) throw new Error("EPIPE");
      if (this.#queued === "") return 0;
      this.chunks.push({ text: this.#queued, atMs: performance.now() });
      this.#queued = "";
      this.wrote();
      return this.slow ?? 1;
    },
  };

  get lines(): readonly string[] {
    return this.chunks
      .map(({ text }) => text)
      .join("")
      .split("\n")
      .filter((line) => line !== "");
  }

  send(text: string): void {
    this.#controller?.enqueue(Buffer.from(text));
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  /** Resolves when that many lines have been written. */
  async until(lines: number): Promise<readonly string[]> {
    while (this.lines.length < lines) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.wrote = resolve;
      await promise;
    }
    return this.lines;
  }
}
