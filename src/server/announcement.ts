import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";

import type { Status } from "../control/api.ts";
import { readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import type { Log } from "../lib/log.ts";
import { VERSION } from "../version.ts";

/**
 * The file by which programs find the daemons of a user (MISSION A12): there while this one
 * listens, and without its key. What goes wrong with it is no trouble of the daemon's.
 */
export class Announcement {
  readonly #path: string;
  readonly #pid: number;
  readonly #log: Log;

  constructor(path: string, pid: number, log: Log) {
    this.#path = path;
    this.#pid = pid;
    this.#log = log;
  }

  /** Says where clients are served; null takes the file away. */
  tell(urls: Status["urls"]): void {
    try {
      if (urls === null) this.#remove();
      else this.#write(urls);
    } catch (error) {
      this.#log.debug("cannot announce the daemon", { path: this.#path, error: reasonOf(error) });
    }
  }

  #write({ mcp, sse, health }: NonNullable<Status["urls"]>): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const about = { name: "mcpd", transport: "http", url: mcp, sse, health, version: VERSION };
    const text = JSON.stringify({ ...about, pid: this.#pid }, null, 2);
    writeFileAtomic(this.#path, `${text}\n`, { durable: false });
  }

  /** Only what is our own: another daemon may have announced itself since. */
  #remove(): void {
    if (!(readIfExists(this.#path) ?? "").includes(`"pid": ${this.#pid}\n`)) return;
    rmSync(this.#path, { force: true });
    for (const directory of [dirname(this.#path), dirname(dirname(this.#path))]) {
      try {
        rmdirSync(directory);
      } catch {
        // Others have something there.
        return;
      }
    }
  }
}
