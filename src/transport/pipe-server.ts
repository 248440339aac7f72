import { createServer } from "node:net";

import { type Fault, fault } from "../core/fault.ts";
import { errorCode, reasonOf } from "../lib/files.ts";
import { LineConnection, type SocketOptions } from "./socket-connection.ts";
import type { SocketListener } from "./socket-server.ts";

/**
 * The private socket over node:net: Bun's own listener has no named pipes. A pipe goes away with
 * its process, so nothing is ever stale, and Windows gives it to the user who made it.
 */
export function listenPipe(options: SocketOptions): Promise<SocketListener | Fault> {
  const open = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    const connection = new LineConnection(
      {
        write(bytes) {
          // Node takes everything; what it could not pass on counts as not taken until it drains.
          if (socket.writableNeedDrain) return 0;
          socket.write(bytes);
          return bytes.length;
        },
        end: () => void socket.end(),
        drop: () => void socket.destroy(),
      },
      options,
    );
    open.add(socket);
    socket.on("data", (chunk: Uint8Array) => connection.received(chunk));
    socket.on("drain", () => connection.drained());
    socket.on("error", (error) => options.log.debug("A pipe failed", { error: error.message }));
    socket.on("close", () => {
      open.delete(socket);
      connection.ended();
    });
  });
  const { promise, resolve } = Promise.withResolvers<SocketListener | Fault>();
  server.on("error", (error) => {
    const text = `Cannot listen on ${options.address}: ${reasonOf(error)}`;
    const code = errorCode(error) === "EADDRINUSE" ? "daemon.running" : "file.failed";
    resolve(fault(code, text, options.address));
  });
  server.listen(options.address, () => {
    resolve({
      close() {
        server.close();
        for (const socket of open) socket.destroy();
      },
    });
  });
  return promise;
}
