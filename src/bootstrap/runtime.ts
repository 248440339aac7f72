import { removeRuntime, type RunningProcess, writeRunning } from "../control/runtime-file.ts";
import type { SupervisedServer } from "../control/supervision.ts";
import { reasonOf } from "../lib/files.ts";
import type { Log } from "../lib/log.ts";
import type { Platform } from "../platform/platform.ts";
import { VERSION } from "../version.ts";

/** Keeps the runtime file true: one write at a time, of the newest state. */
export class RuntimeRecord {
  readonly #platform: Platform;
  readonly #startedAtMs: number;
  readonly #log: Log;
  #newest: SupervisedServer | null = null;
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(options: {
    readonly platform: Platform;
    readonly startedAtMs: number;
    readonly log: Log;
  }) {
    this.#platform = options.platform;
    this.#startedAtMs = options.startedAtMs;
    this.#log = options.log;
  }

  write(server: SupervisedServer): void {
    this.#newest = server;
    if (!this.#closed) this.#writing ??= this.#drain();
  }

  /** Takes the file away. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    removeRuntime(this.#platform.paths.runtimeFile, process.pid);
  }

  async #drain(): Promise<void> {
    try {
      while (this.#newest !== null) {
        const server = this.#newest;
        this.#newest = null;
        await this.#put(server);
      }
    } catch (error) {
      // Only for those who find no socket: nothing depends on it.
      this.#log.debug("cannot write the runtime file", { error: reasonOf(error) });
    } finally {
      this.#writing = null;
    }
  }

  async #put({ pid, version, urls }: SupervisedServer): Promise<void> {
    const own = await this.#identified(process.pid);
    const server = pid === null ? null : await this.#identified(pid);
    if (own === null) return;
    const port = urls === null ? null : Number(new URL(urls.mcp).port);
    writeRunning(this.#platform.paths.runtimeFile, {
      ...own,
      version: VERSION,
      startedAtMs: this.#startedAtMs,
      server: server === null ? null : { ...server, version, port },
    });
  }

  async #identified(pid: number): Promise<RunningProcess | null> {
    const identity = await this.#platform.processIdentity(pid);
    return identity === null ? null : { pid, identity };
  }
}
