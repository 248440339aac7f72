import { ControlClient } from "../control/client.ts";
import type { BootstrapApi } from "../control/supervision.ts";
import { decode, isMalformed } from "../core/decode.ts";
import { type Fault, fault, FaultError, isFault } from "../core/fault.ts";
import { encode, faultResponse, type Request, responseTo } from "../core/message.ts";
import type { Log } from "../lib/log.ts";
import type { SocketConnection, SocketEvents } from "../transport/socket-connection.ts";
import { listenSocket, type SocketListener } from "../transport/socket-server.ts";

/** Requests have no params: a line that is longer is none of ours. */
const LINE_BYTES_MAX = 65_536;
/** Only for the words of a fault. */
const HOLDER_MS = 1_000;

type Answer<M extends keyof BootstrapApi> = BootstrapApi[M]["result"] | Fault;

type Handlers = {
  readonly [M in keyof BootstrapApi]: () => Answer<M> | Promise<Answer<M>>;
};

type SocketOptions = {
  readonly address: string;
  readonly log: Log;
  readonly handlers: Handlers;
  /** A request was answered. */
  readonly answered: () => void;
};

/**
 * Opens the bootstrap's socket, which is also its lock: one that nobody listens on is replaced. Of
 * a second bootstrap the FaultError daemon.running says who holds it.
 */
export async function openBootstrapSocket(options: SocketOptions): Promise<SocketListener> {
  const { address, log } = options;
  const listener = await listenSocket({
    address,
    log,
    messageBytesMax: () => LINE_BYTES_MAX,
    accept: (connection) => converse(connection, options),
  });
  if (!isFault(listener)) return listener;
  throw new FaultError(listener.code === "daemon.running" ? await holder(address) : listener);
}

function converse(
  connection: SocketConnection,
  { handlers, answered }: SocketOptions,
): SocketEvents {
  const answer = async (request: Request): Promise<void> => {
    const { id, method } = request;
    const result = isKnown(handlers, method)
      ? await handlers[method]()
      : fault("method.unknown", `Unknown method of the bootstrap "${method}"`, method);
    connection.send(encode(responseTo(id, result)));
    answered();
  };
  return {
    message(text) {
      const message = decode(text);
      if (isMalformed(message)) {
        connection.send(encode(faultResponse(message.id, message.fault)));
      } else if (message.kind === "request") {
        void answer(message);
      }
    },
    closed: () => undefined,
  };
}

function isKnown(handlers: Handlers, method: string): method is keyof BootstrapApi {
  return Object.hasOwn(handlers, method);
}

async function holder(address: string): Promise<Fault> {
  const text = "Cannot start: a bootstrap of this user runs already";
  try {
    const other = await ControlClient.connect<BootstrapApi>(address);
    const { pid, version } = await other
      .request("mcpd/bootstrap", {}, { timeoutMs: HOLDER_MS })
      .finally(() => other.close());
    return fault("daemon.running", `${text} (pid ${pid}, version ${version})`, address);
  } catch {
    return fault("daemon.running", `${text}, which does not answer`, address);
  }
}
