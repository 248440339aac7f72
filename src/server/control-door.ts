import { type Attachment, type ControlHandlers, ControlHost } from "../control/host.ts";
import { decode, decodeBatch, isBatch, isMalformed, type Malformed } from "../core/decode.ts";
import type { Channel } from "../core/effect.ts";
import { BATCH_REVISION } from "../core/era.ts";
import { type Fault, fault, FaultError, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse, type Message, type RequestId } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { notAbsolute, viewOf } from "../transport/accept.ts";
import type { Desk, SessionPort, View } from "../transport/door.ts";
import { PacedChannel } from "../transport/paced-channel.ts";
import type { SocketConnection, SocketEvents } from "../transport/socket-connection.ts";
import { listenSocket, type SocketListener } from "../transport/socket-server.ts";

type ControlDoorOptions = {
  readonly address: string;
  readonly desk: Desk;
  readonly handlers: ControlHandlers;
  /** What one line may hold. */
  readonly messageBytesMax: () => number;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Opens the private socket, or throws the fault that says why not: a daemon may be running already.
 */
export async function openControl(options: ControlDoorOptions): Promise<SocketListener> {
  const listener = await listenSocket({
    address: options.address,
    log: options.log,
    messageBytesMax: options.messageBytesMax,
    accept: (connection) => converse(options, connection),
  });
  if (isFault(listener)) throw new FaultError(listener);
  return listener;
}

/** One connection: our own methods go to the control host, the rest is one MCP session. */
function converse(options: ControlDoorOptions, connection: SocketConnection): SocketEvents {
  const send = (text: string): void => void connection.send(text);
  const mcp = new SocketSession(options.desk, options.clock, send);
  const host = new ControlHost(options.handlers, {
    send,
    mcp: (text) => mcp.receive(text),
    attach: (attachment) => mcp.attach(attachment),
  });
  return {
    message: (text) => host.receive(text),
    closed() {
      host.close();
      mcp.close();
    },
  };
}

/** The MCP session of one connection: opened by its first message, or before, and ended with it. */
class SocketSession {
  readonly #desk: Desk;
  readonly #clock: Clock;
  readonly #send: (text: string) => void;
  #session: SessionPort | null = null;

  constructor(desk: Desk, clock: Clock, send: (text: string) => void) {
    this.#desk = desk;
    this.#clock = clock;
    this.#send = send;
  }

  /** Opens the session for what the client wants to see, before its first message. */
  attach(attachment: Attachment): Fault | null {
    const project = attachment.project ?? null;
    if (this.#session !== null) {
      return fault("message.invalid", "Cannot attach: the session is open already");
    }
    const opened = notAbsolute(project) ?? this.#open(viewOf(attachment.upstream ?? null), project);
    return isFault(opened) ? opened : null;
  }

  receive(text: string): void {
    const batched = this.#session?.protocolVersion === BATCH_REVISION && isBatch(text);
    const messages = batched ? decodeBatch(text) : [decode(text)];
    if (messages.length > LIMITS.batchMessages) {
      const limit = `The batch is too long: the limit is ${LIMITS.batchMessages} messages`;
      return this.#refuse(null, fault("message.invalid", limit));
    }
    for (const message of messages) this.#take(message);
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  #take(message: Message | Malformed): void {
    if (isMalformed(message)) return this.#refuse(message.id, message.fault);
    const session = this.#session ?? this.#open(viewOf(null), null);
    if (isFault(session)) {
      return this.#refuse(message.kind === "request" ? message.id : null, session);
    }
    session.receive(message, new PacedChannel(this.#clock, this.#send));
  }

  #open(view: View, project: string | null): SessionPort | Fault {
    const session = this.#desk.open({ view, principal: "socket", project, door: "socket" });
    if (isFault(session)) return session;
    this.#session = session;
    const listener: Channel = { streams: true, mustAnswer: false, write: this.#send };
    session.listen(listener);
    return session;
  }

  #refuse(id: RequestId | null, problem: Fault): void {
    this.#send(encode(faultResponse(id, problem)));
  }
}
