// server: the server program. What the others see of it; composition.ts puts it together.

import { provideConfig } from "../config/provide.ts";
import { ConfigStore } from "../config/store.ts";
import type { Status } from "../control/api.ts";
import type { ControlHandlers } from "../control/host.ts";
import { rootFault } from "../core/elevation.ts";
import { FaultError } from "../core/fault.ts";
import type { Revision } from "../core/revision.ts";
import { systemClock } from "../lib/clock.ts";
import type { StdioStreams } from "../transport/stdio-server.ts";
import { Server } from "./composition.ts";
import type { ServerOptions } from "./options.ts";
import { Rest } from "./rest.ts";
import type { Applied } from "./revisions.ts";

/** A server that runs, until it is stopped. */
export interface RunningServer {
  readonly revision: Revision;
  readonly urls: Status["urls"];
  /** The config file may be another one: reads it. For who does not watch it. */
  readConfig(): Applied;
  status(): Promise<Status>;
  /** The answers to what control/api.ts lists, for whoever asks from inside the process. */
  readonly handlers: ControlHandlers;
  /** Serves one client on our standard streams and resolves when it has gone. */
  speak(streams: StdioStreams, project: string | null): Promise<void>;
  /** Resolves when no process and no listener is left. */
  stop(): Promise<void>;
  /** Logs a bug and ends the upstreams' processes; the program ends when it resolves. */
  crash(bug: unknown): Promise<void>;
}

/** Starts everything, or throws a FaultError that says why not; then nothing is left behind. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { platform, environment } = options;
  const refused = rootFault(platform.user, environment);
  if (refused !== null) throw new FaultError(refused);
  const store = new ConfigStore(options.config.path, platform);
  // A bootstrap has provided it; if it has gone since, the last good one serves.
  const missing = options.supervised ? null : await provideConfig(store, options.config);
  if (missing !== null) throw new FaultError(missing);
  await using undo = new AsyncDisposableStack();
  const server = new Server(options, store, undo);
  await server.open();
  const rest = new Rest(systemClock);
  undo.defer(() => rest.close());
  const owned = undo.move();
  return {
    get revision() {
      return server.revision;
    },
    get urls() {
      return server.urls();
    },
    readConfig: () => server.readConfig(),
    status: () => server.status(),
    handlers: server.handlers(),
    speak: (streams, project) => server.speak(streams, project),
    stop: () => owned.disposeAsync(),
    crash: (bug) => server.crash(bug),
  };
}
