import type { ControlHandlers } from "../control/host.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { until } from "../lib/until.ts";
import type { Desk } from "../transport/door.ts";
import { LineConnection } from "../transport/socket-connection.ts";
import { type StdioStreams, StdioWire } from "../transport/stdio-server.ts";
import { converse } from "./conversation.ts";

const LOOK_MS = 10;

/**
 * Serves one client on our own standard streams: all upstreams, for one project. Resolves when it
 * does not read our output any more, or has closed our input and was given what it was owed, within
 * bounds.
 */
export async function serveStdio(options: {
  readonly desk: Desk;
  /** The library asks for what control/api.ts lists, here as on the socket. */
  readonly handlers: ControlHandlers;
  readonly streams: StdioStreams;
  readonly project: string | null;
  readonly messageBytesMax: () => number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a request is being worked on. */
  readonly busy: () => boolean;
}): Promise<void> {
  const { desk, handlers, streams, project, messageBytesMax, clock, log } = options;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stdio = new StdioWire(streams, {
    data(chunk) {
      connection.received(chunk);
      return undefined;
    },
    drained: () => connection.drained(),
    closed: () => resolve(),
  });
  const wire = {
    write(bytes: Uint8Array): number {
      // What the client has not taken waits in the connection, which bounds it.
      if (stdio.congested) return 0;
      stdio.write(bytes);
      stdio.flush();
      return bytes.length;
    },
    end: resolve,
    drop: resolve,
  };
  const connection: LineConnection = new LineConnection(wire, {
    log,
    messageBytesMax,
    accept: (client) =>
      converse(client, { desk, handlers, clock, door: "stdio", project, opened: () => undefined }),
  });
  void stdio.read();
  await promise;
  const patience = { patienceMs: LIMITS.drainAnswersMs, pollMs: LOOK_MS };
  await until(clock, patience, () => !options.busy());
}
