import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { viewOf } from "../transport/accept.ts";
import type { Desk } from "../transport/door.ts";
import { MessageSession } from "../transport/message-session.ts";
import { LineConnection } from "../transport/socket-connection.ts";
import { type StdioStreams, StdioWire } from "../transport/stdio-server.ts";

const LOOK_MS = 10;

/**
 * Serves one client on our own standard streams: all upstreams, for one project. Resolves when it
 * does not read our output any more, or has closed our input and was given what it was owed, within
 * bounds.
 */
export async function serveStdio(options: {
  readonly desk: Desk;
  readonly streams: StdioStreams;
  readonly project: string | null;
  readonly messageBytesMax: () => number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a request is being worked on. */
  readonly busy: () => boolean;
}): Promise<void> {
  const { desk, streams, project, messageBytesMax, clock, log } = options;
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
    accept(client) {
      const send = (text: string): void => void client.send(text);
      const session = new MessageSession({ clock, send }, (single) =>
        desk.open({ view: viewOf(null), principal: "stdio", project, door: "stdio", ...single }),
      );
      return {
        message: (text) => session.receive(text),
        closed: () => session.close(),
      };
    },
  });
  void stdio.read();
  await promise;
  const untilMs = clock.monotonic() + LIMITS.drainAnswersMs;
  while (options.busy() && clock.monotonic() < untilMs) await clock.sleep(LOOK_MS);
}
