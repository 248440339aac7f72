import { LIMITS } from "../core/limits.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";
import { oneLine } from "./one-line.ts";

/** Why a stream is over although nobody called end(): its client left, or does not read. */
export type Gone = "left" | "slow";

/**
 * The body of a Server-Sent Events response. What is sent waits in a bounded queue until the
 * runtime pulls, which it does at the pace of the client: enqueueing without being asked would
 * buffer without limit. Whoever lets the queue pass LIMITS.streamQueueLength is cut off.
 */
export class EventStream implements Beating {
  readonly body: ReadableStream<Uint8Array>;
  readonly #heartbeat: Heartbeat;
  readonly #gone: (why: Gone) => void;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #queued = "";
  #wake: (() => void) | undefined;
  #state: "open" | "ending" | "closed" = "open";
  #quietBeats = 0;

  /**
   * `gone` is called at most once, and never after end(). `first` is what goes out before anything
   * else, framed by eventFrame(), however long it is.
   */
  constructor(heartbeat: Heartbeat, gone: (why: Gone) => void, first = "") {
    this.#heartbeat = heartbeat;
    this.#gone = gone;
    this.#queued = first;
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#over("left"),
    };
    this.body = new ReadableStream(source, { highWaterMark: 0 });
    heartbeat.add(this);
  }

  /** Queues one event, with more fields of it in `head`; false when the stream is over. */
  send(data: string, head = ""): boolean {
    if (this.#state !== "open") return false;
    this.#queue(eventFrame(data, head));
    return this.#isOpen();
  }

  /** Sends what is queued, then closes. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#heartbeat.remove(this);
    if (this.#wake !== undefined) this.#flush();
  }

  /** Shows the client that all is well. The runtime sends no headers before the first bytes. */
  comment(): void {
    if (this.#isOpen()) this.#queue(": keep-alive\n\n");
  }

  beat(): void {
    this.#quietBeats += 1;
    if (this.#quietBeats >= LIMITS.quietBeats) this.comment();
  }

  #isOpen(): boolean {
    return this.#state === "open";
  }

  #queue(frame: string): void {
    this.#quietBeats = 0;
    // What waits counts, not what comes: a long answer right after a note is no slow client.
    if (this.#queued.length > LIMITS.streamQueueLength) {
      this.#queued = "";
      this.#controller?.close();
      this.#over("slow");
      return;
    }
    this.#queued += frame;
    if (this.#wake !== undefined) this.#flush();
  }

  /** The runtime can take more: at once when there is something, else when there will be. */
  #pull(): Promise<void> | undefined {
    if (this.#queued !== "" || this.#state !== "open") {
      this.#flush();
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  #flush(): void {
    if (this.#state === "closed") return;
    if (this.#queued !== "") {
      this.#controller?.enqueue(this.#encoder.encode(this.#queued));
      this.#queued = "";
    }
    if (this.#state === "ending") {
      this.#state = "closed";
      this.#controller?.close();
    }
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #over(why: Gone): void {
    if (this.#state === "closed") return;
    const announced = this.#state === "ending";
    this.#state = "closed";
    this.#queued = "";
    this.#heartbeat.remove(this);
    this.#wake?.();
    this.#wake = undefined;
    if (!announced) this.#gone(why);
  }
}

/** One event on the wire; `head` has whole lines, as "id: 7\\n". */
export function eventFrame(data: string, head: string): string {
  return `${head}data: ${oneLine(data)}\n\n`;
}

/** The response around a stream; no proxy may keep or collect what it carries. */
export function eventResponse(stream: EventStream, sessionId: string | null): Response {
  const headers: { [name: string]: string } = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  };
  if (sessionId !== null) headers["mcp-session-id"] = sessionId;
  return new Response(stream.body, { headers });
}
