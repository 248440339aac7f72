/** The time of day of the processes below, moved without the machine's. Linux with a C compiler. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export class MovedClock {
  /** What a process needs in its environment to see this clock. */
  readonly environment: { readonly [name: string]: string };
  readonly #file: string;

  private constructor(file: string, library: string) {
    this.#file = file;
    this.environment = { LD_PRELOAD: library, MCPD_CHAOS_CLOCK: file };
  }

  /** Builds it in a folder; a text says why that cannot be. */
  static build(folder: string): MovedClock | string {
    if (process.platform !== "linux") return "only Linux has LD_PRELOAD";
    if (Bun.which("cc") === null) return "there is no C compiler";
    const library = join(folder, "clock.so");
    const source = join(import.meta.dir, "clock.c");
    const words = ["-shared", "-fPIC", "-O1", "-o", library, source];
    const run = Bun.spawnSync(["cc", ...words], { stdio: ["ignore", "ignore", "pipe"] });
    if (!run.success) return `the C compiler says: ${run.stderr.toString().slice(0, 200)}`;
    const clock = new MovedClock(join(folder, "clock"), library);
    clock.move(0);
    return clock;
  }

  /** Sets it so many seconds before or after the true time, for all at once. */
  move(seconds: number): void {
    // Written in place: the file is mapped by those that look at it.
    writeFileSync(this.#file, BigInt64Array.of(BigInt(seconds)), { flag: this.#flag });
    this.#flag = "r+";
  }

  #flag = "w";
}
