/** A small disk of its own under the daemon's home, which can be filled. Linux, and root only. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** Logs, sessions and memories of a run of ten minutes take a tenth of it. */
const SIZE = "48m";
const CHUNK_BYTES = 65_536;

export class Disk implements Disposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Puts a disk over an empty folder; a text says why that cannot be. */
  static mount(path: string): Disk | string {
    if (process.platform !== "linux") return "only Linux mounts a disk in memory";
    const words = ["-t", "tmpfs", "-o", `size=${SIZE},mode=0700`, "mcpd-chaos", path];
    const run = Bun.spawnSync(["mount", ...words], { stdio: ["ignore", "ignore", "pipe"] });
    if (!run.success) return run.stderr.toString().trim();
    mkdirSync(join(path, "run"), { mode: 0o700 });
    return new Disk(path);
  }

  /** Leaves no byte; false when something was freed meanwhile. */
  fill(): boolean {
    const file = openSync(this.#ballast, "w", 0o600);
    const chunk = Buffer.alloc(CHUNK_BYTES, 1);
    try {
      while (writeSync(file, chunk) > 0);
    } catch {
      // There is no space left, as it should be.
    } finally {
      closeSync(file);
    }
    return statfsSync(this.#path).bavail === 0;
  }

  /** Whether it may be written to. */
  setWritable(writable: boolean): void {
    const words = ["-o", `remount,${writable ? "rw" : "ro"}`, this.#path];
    const run = Bun.spawnSync(["mount", ...words], { stdio: ["ignore", "ignore", "pipe"] });
    if (!run.success) throw new Error(run.stderr.toString());
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  get #ballast(): string {
    return join(this.#path, "ballast");
  }

  [Symbol.dispose](): void {
    const mounted = readFileSync("/proc/mounts", "utf8").includes(` ${this.#path} `);
    if (mounted) Bun.spawnSync(["umount", "-l", this.#path]);
  }
}
