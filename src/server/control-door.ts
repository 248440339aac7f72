import type { ControlHandlers } from "../control/host.ts";
import { FaultError, isFault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Desk } from "../transport/door.ts";
import type { SocketConnection } from "../transport/socket-connection.ts";
import { listenSocket, type SocketListener } from "../transport/socket-server.ts";
import { converse } from "./conversation.ts";

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
    accept(connection) {
      const { desk, handlers, clock } = options;
      const opened = (): void => void clients.add(connection);
      const door = "socket";
      const events = converse(connection, { desk, handlers, clock, door, project: null, opened });
      return {
        ...events,
        closed() {
          clients.delete(connection);
          events.closed();
        },
      };
    },
  });
  if (isFault(listener)) throw new FaultError(listener);
  return {
    close: () => listener.close(),
    hangUp() {
      for (const connection of clients) connection.close();
    },
  };
}
