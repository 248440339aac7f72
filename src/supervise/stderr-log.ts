import type { Clock } from "../lib/clock.ts";
import { LineSplitter } from "../lib/lines.ts";
import type { LogFile } from "../lib/log-file.ts";
import { oneLine, timestamp } from "../lib/log-format.ts";

/** Longer lines of an upstream's log are cut: nobody reads them, and some servers dump files. */
const LINE_BYTES_MAX = 4096;

/** Copies what an upstream prints on standard error to its own log, each line with its time. */
export class StderrLog {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #splitter: LineSplitter;
  /** Resolves at the end of the stream. */
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>, file: LogFile, clock: Clock) {
    const write = (text: string): void => {
      file.write(`${timestamp(clock.now())} - ${oneLine(text)}`);
    };
    this.#splitter = new LineSplitter(LINE_BYTES_MAX, {
      line: write,
      tooLong: (head) => write(`${head} (cut)`),
    });
    this.#reader = stream.getReader();
    this.done = this.#copy();
  }

  /** Stops reading: somebody outside the group may hold the other end open for ever. */
  close(): void {
    this.#reader.cancel().catch(() => undefined);
  }

  async #copy(): Promise<void> {
    for (;;) {
      const chunk = await this.#reader.read().catch(() => null);
      if (chunk === null || chunk.done) break;
      this.#splitter.push(chunk.value);
    }
    this.#splitter.end();
  }
}
