import { fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { openingOf, refusal, upstreamIn, type Visit, wrongProtocol } from "./accept.ts";
import type { Desk, Opening, SessionPort } from "./door.ts";
import { MessageSession } from "./message-session.ts";

type WsDoorOptions = {
  readonly desk: Desk;
  readonly clock: Clock;
  readonly log: Log;
  /** What a client may send in one message. */
  readonly messageBytesMax: () => number;
};

/** What the runtime keeps with a socket. */
export type WsClient = {
  readonly opening: Opening;
  readonly session: SessionPort;
  messages: MessageSession | null;
};

type Socket = Bun.ServerWebSocket<WsClient>;

const path = "/ws";
/** What the client of the official SDK asks for, and closes without. */
const SUBPROTOCOL = "mcp";
/** Seconds of silence after which the runtime pings; a peer that stays silent then is gone. */
const IDLE_SECONDS = 30;
const GOING_AWAY = 1001;

/**
 * WebSocket on /ws and /ws/<upstream> (MISSION D12): one JSON-RPC message per text frame, and the
 * session lives as long as the connection. The gate has seen the request before, as any other.
 */
export class WsDoor {
  readonly #options: WsDoorOptions;
  readonly #open = new Set<Socket>();

  constructor(options: WsDoorOptions) {
    this.#options = options;
  }

  /** Turns the request into a socket (undefined), or answers it. */
  open(visit: Visit): Response | undefined {
    const { headers } = visit.request;
    const upstream = upstreamIn(visit.path, path);
    if (upstream === undefined)
      return refusal(fault("door.unknown", `No such path: ${visit.path}`));
    if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return wrongProtocol(visit.path, "websocket");
    }
    const opening = openingOf(visit, upstream, "ws");
    if (isFault(opening)) return refusal(opening);
    const session = this.#options.desk.open(opening);
    if (isFault(session)) return refusal(session);
    const asked = headers.get("sec-websocket-protocol")?.split(",") ?? [];
    const agreed = asked.some((name) => name.trim() === SUBPROTOCOL);
    const client = { opening, session, messages: null };
    const answer = agreed ? { "sec-websocket-protocol": SUBPROTOCOL } : {};
    if (visit.runtime.upgrade(visit.request, client, answer)) return undefined;
    session.close();
    return refusal(fault("message.invalid", "The WebSocket handshake is not complete"));
  }

  /** What the listener needs to carry the sockets; asked for again when the limit changes. */
  handler(): Bun.WebSocketHandler<WsClient> {
    return {
      maxPayloadLength: this.#options.messageBytesMax(),
      backpressureLimit: LIMITS.socketQueueBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: IDLE_SECONDS,
      sendPings: true,
      perMessageDeflate: false,
      open: (socket) => this.#opened(socket),
      message: (socket, data) => this.#received(socket, data),
      close: (socket) => this.#closed(socket),
    };
  }

  /** Ends all sockets, so that the server can stop. */
  close(): void {
    for (const socket of this.#open) socket.close(GOING_AWAY, "The daemon is stopping");
  }

  #opened(socket: Socket): void {
    const { clock, log, desk } = this.#options;
    const { session, opening } = socket.data;
    this.#open.add(socket);
    const send = (text: string): void => {
      // Nothing was taken: the socket is over, or so much waits that the client does not read.
      if (socket.send(text) !== 0 || socket.readyState !== WebSocket.OPEN) return;
      log.warning("Cut off a client that does not read its WebSocket");
      socket.terminate();
    };
    socket.data.messages = new MessageSession({ clock, send }, (single) =>
      single.envelope === undefined ? session : desk.open({ ...opening, ...single }),
    );
    socket.data.messages.open();
  }

  #received(socket: Socket, data: string | Buffer): void {
    const { messages } = socket.data;
    if (typeof data === "string") return messages?.receive(data);
    messages?.refuse(
      null,
      fault("message.invalid", "The message is not text: the frame is binary"),
    );
  }

  #closed(socket: Socket): void {
    this.#open.delete(socket);
    socket.data.messages?.close();
  }
}
