/**
 * One keep-alive HTTP/1.1 connection with one request at a time, on a raw socket: a generator that
 * costs less than what it loads. Reads answers with a length and chunked ones.
 */
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");

export type HttpAnswer = {
  readonly status: number;
  /** As it came: header names in the server's spelling, use `headerOf`. */
  readonly head: string;
  /** Valid until the next request on the connection. */
  readonly body: Buffer;
};

/** Value of a header, or "" when there is none. `name` in lower case. */
export function headerOf(head: string, name: string): string {
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return "";
}

/** Collects the bytes of one answer at a time. */
export class AnswerReader {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;
  #head: string | null = null;
  #bodyStart = 0;
  #bodyLength: number | "chunked" = 0;

  /** The answer when it is whole, else null. Bytes past an answer are not expected. */
  push(chunk: Uint8Array): HttpAnswer | null {
    this.#append(chunk);
    if (this.#head === null && !this.#readHead()) return null;
    const body = this.#body();
    if (body === null) return null;
    const head = this.#head ?? "";
    this.#head = null;
    this.#length = 0;
    return { status: Number(head.slice(9, 12)), head, body };
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
  }

  #readHead(): boolean {
    const end = this.#bytes.subarray(0, this.#length).indexOf(HEAD_END);
    if (end === -1) return false;
    const head = this.#bytes.toString("latin1", 0, end);
    const chunked = headerOf(head, "transfer-encoding") === "chunked";
    this.#head = head;
    this.#bodyStart = end + HEAD_END.length;
    this.#bodyLength = chunked ? "chunked" : Number(headerOf(head, "content-length"));
    return true;
  }

  #body(): Buffer | null {
    const bytes = this.#bytes.subarray(this.#bodyStart, this.#length);
    if (this.#bodyLength === "chunked") return dechunk(bytes);
    return bytes.length < this.#bodyLength ? null : bytes.subarray(0, this.#bodyLength);
  }
}

/** The content of a chunked body, or null while its last chunk is missing. */
export function dechunk(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf(LINE_END, at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + LINE_END.length;
    if (bytes.length < start + size + LINE_END.length) return null;
    if (size === 0) return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    parts.push(bytes.subarray(start, start + size));
    at = start + size + LINE_END.length;
  }
}

/** A connection; `ask` must not be called again before its answer is there. */
export interface HttpConnection {
  ask(request: string): Promise<HttpAnswer>;
  close(): void;
}

/** Connects; rejects with the system's error when nobody listens. */
export async function connectHttp(hostname: string, port: number): Promise<HttpConnection> {
  const reader = new AnswerReader();
  let waiting: PromiseWithResolvers<HttpAnswer> | null = null;
  function fail(reason: string): void {
    waiting?.reject(new Error(reason));
    waiting = null;
  }
  const socket = await Bun.connect({
    hostname,
    port,
    socket: {
      data(_socket, chunk) {
        const answer = reader.push(chunk);
        if (answer === null) return;
        const settled = waiting;
        waiting = null;
        settled?.resolve(answer);
      },
      close: () => fail("the server closed the connection"),
      error: (_socket, error) => fail(error.message),
    },
  });
  socket.setNoDelay(true);
  return {
    ask(request) {
      waiting = Promise.withResolvers<HttpAnswer>();
      const written = socket.write(request);
      if (written < request.length) fail(`only ${written} of ${request.length} bytes were taken`);
      return waiting?.promise ?? Promise.reject(new Error("the request was not taken"));
    },
    close: () => void socket.end(),
  };
}
