const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** How much of a line that is too long is kept to show what it was. */
const HEAD_BYTES = 4096;

/** How many bytes a line may have: it may change from one line to the next. */
type LineBytesMax = number | (() => number);

type Handlers<Line> = {
  /** One line without its line end; empty lines are left out. */
  readonly line: (line: Line) => void;
  /** A line that passed `lineBytesMax`: its beginning. Called once; the rest of it is skipped. */
  readonly tooLong: (head: string) => void;
};

/** Cuts a stream of bytes into lines of UTF-8 text: a ByteLineSplitter for who reads them. */
export class LineSplitter {
  readonly #lines: ByteLineSplitter;

  constructor(lineBytesMax: LineBytesMax, { line, tooLong }: Handlers<string>) {
    const decoder = new TextDecoder();
    this.#lines = new ByteLineSplitter(lineBytesMax, {
      line: (bytes) => line(decoder.decode(bytes)),
      tooLong,
    });
  }

  /** Takes the next chunk. It may be kept for a while: do not change it afterwards. */
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** The stream is over: what is left counts as a line. */
  end(): void {
    this.#lines.end();
  }
}

/**
 * Cuts a stream of bytes into lines, ended by LF or CRLF, for who passes them on unread. Never
 * holds more than `lineBytesMax` bytes plus one chunk, and looks at each byte once.
 */
export class ByteLineSplitter {
  readonly #lineBytesMax: () => number;
  readonly #handlers: Handlers<Uint8Array>;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #skipping = false;

  constructor(lineBytesMax: LineBytesMax, handlers: Handlers<Uint8Array>) {
    this.#lineBytesMax = typeof lineBytesMax === "number" ? () => lineBytesMax : lineBytesMax;
    this.#handlers = handlers;
  }

  /** Takes the next chunk. It may be kept for a while: do not change it afterwards. */
  push(chunk: Uint8Array): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#lineEnds(chunk.subarray(from, at));
      from = at + 1;
    }
    if (from === chunk.length) return;
    // A copy of a short tail, so that a few bytes do not keep a large chunk alive.
    const tail = chunk.subarray(from);
    this.#hold(tail.length < chunk.length / 2 ? tail.slice() : tail);
  }

  /** The stream is over: what is left counts as a line. */
  end(): void {
    if (this.#pendingBytes > 0 || this.#skipping) this.#lineEnds(new Uint8Array(0));
  }

  #lineEnds(last: Uint8Array): void {
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    if (this.#pendingBytes === 0) {
      this.#emit(last);
      return;
    }
    const bytes = Buffer.concat([...this.#pending, last], this.#pendingBytes + last.length);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#emit(bytes);
  }

  #emit(bytes: Uint8Array): void {
    const length = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
    if (length === 0) return;
    if (length > this.#lineBytesMax()) this.#tooLong(bytes);
    else this.#handlers.line(bytes.subarray(0, length));
  }

  #hold(part: Uint8Array): void {
    if (this.#skipping) return;
    this.#pending.push(part);
    this.#pendingBytes += part.length;
    // One more byte may be the CR of a line that just fits.
    if (this.#pendingBytes <= this.#lineBytesMax() + 1) return;
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#skipping = true;
    this.#tooLong(bytes);
  }

  #tooLong(bytes: Uint8Array): void {
    const headBytes = Math.min(HEAD_BYTES, this.#lineBytesMax());
    this.#handlers.tooLong(new TextDecoder().decode(bytes.subarray(0, headBytes)));
  }
}
