import { type ControlHandlers, ControlHost } from "../control/host.ts";
import { decode, isMalformed } from "../core/decode.ts";
import type { Channel } from "../core/effect.ts";
import { type Fault, FaultError, isFault } from "../core/fault.ts";
import { encode, faultResponse } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Desk, SessionPort } from "../transport/door.ts";
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
  const host = new ControlHost(options.handlers, { send, mcp: (text) => mcp.receive(text) });
  return {
    message: (text) => host.receive(text),
    closed() {
      host.close();
      mcp.close();
    },
  };
}

/** The MCP session of one connection, opened by its first message and ended with it. */
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

  receive(text: string): void {
    const message = decode(text);
    if (isMalformed(message)) return this.#refuse(message.fault);
    this.#session ??= this.#open();
    this.#session?.receive(message, new PacedChannel(this.#clock, this.#send));
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  #open(): SessionPort | null {
    const view = { kind: "all" } as const;
    const opening = { view, principal: "socket", project: null, door: "socket" } as const;
    const session = this.#desk.open(opening);
    if (isFault(session)) {
      this.#refuse(session);
      return null;
    }
    const listener: Channel = { streams: true, mustAnswer: false, write: this.#send };
    session.listen(listener);
    return session;
  }

  #refuse(problem: Fault): void {
    this.#send(encode(faultResponse(null, problem)));
  }
}
