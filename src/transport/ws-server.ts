import { type Fault, fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { openingOf, refusal, sees, upstreamIn, type Visit, wrongProtocol } from "./accept.ts";
import type { Opening, SessionPort } from "./door.ts";
import type { Connection } from "./event-log.ts";
import type { DoorOptions } from "./http-server.ts";
import { MessageSession } from "./message-session.ts";
import { type SessionStream, SessionStreams } from "./session-stream.ts";

/** What the runtime keeps with a socket. */
export type WsClient = {
  readonly opening: Opening;
  readonly stream: SessionStream;
  /** While the socket is open. */
  carried: { readonly by: Connection; readonly messages: MessageSession } | null;
};

type Socket = Bun.ServerWebSocket<WsClient>;

const path = "/ws";
/** What the client of the official SDK asks for, and closes without. */
const SUBPROTOCOL = "mcp";
/** Seconds of silence after which the runtime pings; a peer that stays silent then is gone. */
const IDLE_SECONDS = 30;
const GOING_AWAY = 1001;
/** How a client closes that has done: normally, as its page goes, or without a word. */
const FAREWELLS: ReadonlySet<number> = new Set([1000, GOING_AWAY, 1005]);

/**
 * WebSocket on /ws and /ws/<upstream> (MISSION D12): one JSON-RPC message per text frame. The
 * handshake is answered with an Mcp-Session-Id; a client whose connection broke goes on with its
 * session by sending it. A client that closes ends it. The gate has seen the request before, as any
 * other.
 */
export class WsDoor {
  readonly #options: DoorOptions;
  readonly #streams: SessionStreams;
  readonly #open = new Set<Socket>();
  #stopping = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#streams = new SessionStreams(options, { resumable: false });
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
    const session = this.#session(visit, upstream, opening);
    if (isFault(session)) return refusal(session);
    const stream = this.#streams.of(session);
    const asked = headers.get("sec-websocket-protocol")?.split(",") ?? [];
    const agreed = asked.some((name) => name.trim() === SUBPROTOCOL);
    const client = { opening, stream, carried: null };
    const answer = {
      "mcp-session-id": session.id,
      ...(agreed ? { "sec-websocket-protocol": SUBPROTOCOL } : {}),
    };
    if (visit.runtime.upgrade(visit.request, client, answer)) return undefined;
    if (!headers.has("mcp-session-id")) stream.close();
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
      close: (socket, code) => this.#closed(socket, code),
    };
  }

  /** Ends all sockets, so that the server can stop. */
  close(): void {
    this.#stopping = true;
    for (const socket of this.#open) socket.close(GOING_AWAY, "The daemon is stopping");
    this.#streams.close();
  }

  /** The session the headers name, or a new one. */
  #session(visit: Visit, upstream: string | null, opening: Opening): SessionPort | Fault {
    const { desk } = this.#options;
    const id = visit.request.headers.get("mcp-session-id");
    if (id === null) return desk.open(opening);
    const session = desk.find(id, visit.principal, "ws");
    return isFault(session) || sees(session, upstream) ? session : fault("session.unknown");
  }

  #opened(socket: Socket): void {
    const { clock, log, desk } = this.#options;
    const { stream, opening } = socket.data;
    this.#open.add(socket);
    const connection: Connection = {
      send(text) {
        // Nothing was taken: the socket is over, or so much waits that the client does not read.
        if (socket.send(text) !== 0 || socket.readyState !== WebSocket.OPEN) return;
        log.warning("Cut off a client that does not read its WebSocket");
        socket.terminate();
      },
      end: () => socket.close(GOING_AWAY, "The session goes on over another connection"),
    };
    const messages = new MessageSession({ clock, send: stream.send }, (single) =>
      single.envelope === undefined ? stream.session : desk.open({ ...opening, ...single }),
    );
    messages.open();
    socket.data.carried = { by: connection, messages };
    stream.carry(connection);
  }

  #received(socket: Socket, data: string | Buffer): void {
    const messages = socket.data.carried?.messages;
    if (typeof data === "string") return messages?.receive(data);
    messages?.refuse(
      null,
      fault("message.invalid", "The message is not text: the frame is binary"),
    );
  }

  #closed(socket: Socket, code: number): void {
    const { stream, carried } = socket.data;
    this.#open.delete(socket);
    if (carried === null) return;
    carried.messages.leave();
    stream.lost(carried.by, FAREWELLS.has(code) && !this.#stopping);
  }
}
