import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { WebSocket } from "ws";

const SESSION = "mcp-session-id";
const RETRY_MS = 100;

/**
 * The official client over a WebSocket that breaks: its own transport gives up, this one comes back
 * with the session that the first handshake named.
 */
export class LastingSocket implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #url: string;
  readonly #headers: { [name: string]: string };
  #socket: WebSocket | null = null;
  #closed = false;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#headers = { "x-api-key": key };
  }

  start(): Promise<void> {
    return this.#connect();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    // One that is on its way when the socket breaks is not sent again: nobody can tell its fate.
    while (this.#socket?.readyState !== WebSocket.OPEN) {
      if (this.#closed) throw new Error("the connection closed");
      await Bun.sleep(RETRY_MS / 2);
    }
    this.#socket.send(JSON.stringify(message));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#socket?.close();
    this.onclose?.();
  }

  #connect(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = new WebSocket(this.#url, { headers: this.#headers });
    this.#socket = socket;
    socket.on("upgrade", ({ headers }) => {
      this.#headers[SESSION] = String(headers[SESSION]);
    });
    socket.on("open", resolve);
    socket.on("message", (data) => {
      this.onmessage?.(JSONRPCMessageSchema.parse(JSON.parse((data as Buffer).toString())));
    });
    socket.on("error", (error) => {
      reject(error);
      this.onerror?.(error);
    });
    socket.on("close", () => {
      if (this.#closed || this.#socket !== socket) return;
      setTimeout(() => void this.#connect().catch(() => undefined), RETRY_MS);
    });
    return promise;
  }
}
