import type { FromServer, ToServer } from "../control/supervision.ts";
import type { Fault } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { utcOffsetMs } from "../lib/log-format.ts";
import type { RunningServer } from "../server/server.ts";
import { VERSION } from "../version.ts";
import { usage } from "./parse.ts";

/**
 * A supervised server's side of the talk with its bootstrap, over the runtime's IPC: made before
 * the server is, so that nothing that is said meanwhile is lost.
 */
export class BootstrapChannel {
  /** Resolves when the server shall leave: it was told, or its bootstrap has gone. */
  readonly stopping: Promise<void>;
  #server: RunningServer | null = null;

  constructor() {
    if (process.send === undefined) {
      throw usage("--supervised is for 'mcpd bootstrap', which starts the server so", "serve");
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopping = promise;
    process.on("disconnect", resolve);
    process.on("SIGTERM", resolve);
    // A terminal tells its whole group: the bootstrap says what is to be done.
    for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
    process.on("message", (message: ToServer) => {
      if (message.kind === "stop") resolve();
      else if (message.kind === "ping") this.#pong(message.id);
      else this.#readConfig();
    });
  }

  /** The server serves: wherever it does, and even if its port is taken. */
  serves(server: RunningServer): void {
    this.#server = server;
    // What was told before is read by now; but who knows in which order.
    this.#readConfig();
    this.#send({ kind: "ready", version: VERSION, urls: server.urls });
  }

  /** There will be no server. */
  failed(problem: Fault): void {
    this.#send({ kind: "failed", fault: problem });
  }

  #pong(id: number): void {
    const urls = this.#server?.urls ?? null;
    this.#send({ kind: "pong", id, urls, utcOffsetMs: utcOffsetMs(systemClock.now()) });
  }

  #readConfig(): void {
    if (this.#server !== null) this.#send({ kind: "config", ...this.#server.readConfig() });
  }

  #send(message: FromServer): void {
    try {
      process.send?.(message);
    } catch {
      // The bootstrap has gone: "disconnect" says so.
    }
  }
}
