import { type Fault, fault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import type { Timer } from "../lib/clock.ts";
import { errorCode } from "../lib/files.ts";
import type { CloseReason, Link } from "./link.ts";
import {
  looksLikeMessage,
  type RemoteDeps,
  type RemoteEvents,
  type RemoteTarget,
} from "./remote.ts";
import { networkReason } from "./web.ts";

/** How often a server is asked for a sign of life; without one by the next time it is gone. */
const HEARTBEAT_MS = 30_000;

/** How much of a message that is too long is kept to find out whose it is. */
const HEAD_LENGTH = 4_096;

/** Bun's client takes headers; the types of the DOM library hide that. */
const Socket = WebSocket as unknown as new (
  url: URL,
  options: Bun.WebSocketOptions,
) => Bun.WebSocket;

/** One message per text frame over a WebSocket, with the subprotocol "mcp" as the SDK has it. */
export class WsClientLink implements Link {
  readonly #target: RemoteTarget;
  readonly #events: RemoteEvents;
  readonly #bytesMax: () => number;
  readonly #socket: Bun.WebSocket;
  readonly #heartbeat: Timer;
  /** What is sent before the connection is there. */
  #early: string[] = [];
  #earlyBytes = 0;
  #alive = true;
  #problem: Fault | null = null;
  #closed = false;

  constructor(target: RemoteTarget, deps: RemoteDeps, events: RemoteEvents) {
    this.#target = target;
    this.#events = events;
    this.#bytesMax = deps.answerBytesMax;
    this.#socket = new Socket(target.url, {
      headers: { ...target.headers },
      protocols: ["mcp"],
    });
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = ({ data }) => this.#message(data);
    this.#socket.onerror = (event) => (this.#problem ??= this.#failure(event));
    this.#socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    this.#socket.addEventListener("pong", () => (this.#alive = true));
    this.#heartbeat = deps.clock.every(HEARTBEAT_MS, () => this.#beat());
  }

  send(text: string): boolean {
    if (this.#closed) return false;
    if (this.#socket.readyState === WebSocket.OPEN) {
      if (this.#socket.bufferedAmount > LIMITS.upstreamQueueBytes) return false;
      this.#socket.send(text);
      return true;
    }
    if (this.#earlyBytes > LIMITS.upstreamQueueBytes) return false;
    this.#earlyBytes += Buffer.byteLength(text);
    this.#early.push(text);
    return true;
  }

  close({ text }: CloseReason): void {
    if (this.#closed) return;
    this.#problem = fault("upstream.failed", this.#sentence(`is gone: ${text}`), this.#name());
    this.#socket.close(1000);
    this.#ended(1000, "");
  }

  #opened(): void {
    for (const text of this.#early.splice(0)) this.#socket.send(text);
  }

  #message(data: unknown): void {
    this.#alive = true;
    if (this.#closed) return;
    if (typeof data !== "string") return this.#events.noise("a frame that is no text");
    const bytesMax = this.#bytesMax();
    if (data.length > bytesMax) {
      const head = data.slice(0, HEAD_LENGTH);
      return this.#events.noise(`a message of more than ${bytesMax} bytes`, { head, bytesMax });
    }
    if (looksLikeMessage(data)) this.#events.message(data);
    else this.#events.noise(data);
  }

  #beat(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (!this.#alive) {
      this.#problem ??= this.#unreachable("it gives no sign of life");
      this.#socket.terminate();
    }
    this.#alive = false;
    this.#socket.ping();
  }

  #ended(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat.cancel();
    const why = `it closed the connection (${code}${reason === "" ? "" : ` ${reason}`})`;
    this.#events.closed(this.#problem ?? this.#unreachable(why));
  }

  #failure(event: Event): Fault {
    const error = "error" in event ? event.error : undefined;
    const message = error instanceof Error ? error.message : "";
    const status = /status code: (\d{3})/.exec(message)?.[1];
    if (status === "401" || status === "403") {
      const text = this.#sentence(`at ${this.#target.shown} answered HTTP ${status}`);
      return fault("upstream.unauthorized", text, this.#name());
    }
    if (status !== undefined) return this.#unreachable(`it answered HTTP ${status}`);
    if (errorCode(error) === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
      return this.#unreachable("it sent a message that is too long");
    }
    return this.#unreachable(networkReason(error));
  }

  #unreachable(why: string): Fault {
    const text = this.#sentence(`at ${this.#target.shown}: ${why}`);
    return fault("upstream.unreachable", text, this.#name());
  }

  #sentence(rest: string): string {
    return `Upstream "${this.#name()}" ${rest}`;
  }

  #name(): string {
    return this.#target.upstream;
  }
}
