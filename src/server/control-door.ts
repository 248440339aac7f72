import { type ControlHandlers, ControlHost } from "../control/host.ts";
import { fault, FaultError, isFault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { projectOf, viewOf } from "../transport/accept.ts";
import type { Desk, Opening } from "../transport/door.ts";
import { MessageSession } from "../transport/message-session.ts";
import type { SocketConnection, SocketEvents } from "../transport/socket-connection.ts";
import { listenSocket, type SocketListener } from "../transport/socket-server.ts";

/** What the session of a connection is opened for. */
type Seen = Pick<Opening, "view" | "project">;

type ControlDoorOptions = {
  readonly address: string;
  readonly desk: Desk;
  readonly handlers: ControlHandlers;
  /** What one line may hold. */
  readonly messageBytesMax: () => number;
  readonly clock: Clock;
  readonly log: Log;
};

export interface ControlDoor extends SocketListener {
  /** Hangs up on every client of MCP; who only asks about the daemon is not disturbed. */
  hangUp(): void;
}

/**
 * Opens the private socket, or throws the fault that says why not: a daemon may be running already.
 */
export async function openControl(options: ControlDoorOptions): Promise<ControlDoor> {
  const clients = new Set<SocketConnection>();
  const listener = await listenSocket({
    address: options.address,
    log: options.log,
    messageBytesMax: options.messageBytesMax,
    accept: (connection) => converse(options, connection, clients),
  });
  if (isFault(listener)) throw new FaultError(listener);
  return {
    close: () => listener.close(),
    hangUp() {
      for (const connection of clients) connection.close();
    },
  };
}

/** One connection: our own methods go to the control host, the rest is one MCP session. */
function converse(
  options: ControlDoorOptions,
  connection: SocketConnection,
  clients: Set<SocketConnection>,
): SocketEvents {
  const { desk, clock } = options;
  const send = (text: string): void => void connection.send(text);
  let seen: Seen = { view: viewOf(null), project: null };
  let opened = false;
  const mcp = new MessageSession({ clock, send }, (single) => {
    opened = true;
    clients.add(connection);
    return desk.open({ ...seen, principal: "socket", door: "socket", ...single });
  });
  const host = new ControlHost(options.handlers, {
    send,
    mcp: (text) => mcp.receive(text),
    attach({ upstream = null, project: named = null }) {
      if (opened) return fault("message.invalid", "Cannot attach: the session is open already");
      const project = projectOf(named);
      if (isFault(project)) return project;
      seen = { view: viewOf(upstream), project };
      const session = mcp.open();
      return isFault(session) ? session : null;
    },
  });
  return {
    message: (text) => host.receive(text),
    closed() {
      clients.delete(connection);
      host.close();
      mcp.close();
    },
  };
}
