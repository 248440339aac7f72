import { readFileSync } from "node:fs";

import type { Environment } from "../e2e/harness.ts";
import { waitFor, within } from "./wait.ts";

/** What was printed where. */
type Shown = {
  readonly exitCode: number;
  /** What is in the file, without one "". */
  readonly stdout: string;
  readonly screen: string;
};

type Around = { readonly env: Environment; readonly cwd: string; readonly file?: string };

/** A program in a terminal; with a file, its standard output is there as after `> FILE`. */
export class Terminal implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #file: string | undefined;
  #screen = "";
  /** How much of the screen has been waited for. */
  #read = 0;

  constructor(words: readonly string[], { env, cwd, file }: Around) {
    this.#file = file;
    const redirected = ["/bin/sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh"];
    this.#child = Bun.spawn(file === undefined ? [...words] : [...redirected, file, ...words], {
      cwd,
      env: { ...env },
      terminal: {
        cols: 120,
        rows: 40,
        data: (_, chunk) => {
          this.#screen += Buffer.from(chunk).toString();
        },
      },
    });
  }

  /** Waits until the screen says something that it has not said before, then types. */
  async type(after: string, keys: string): Promise<void> {
    const isThere = (): boolean => this.#screen.includes(after, this.#read);
    await waitFor(`"${after}" on the screen`, isThere).catch((error: unknown) => {
      throw new Error(`${String(error)}:\n${this.#screen}`);
    });
    this.#read = this.#screen.indexOf(after, this.#read) + after.length;
    this.#child.terminal?.write(keys);
  }

  async end(): Promise<Shown> {
    const exitCode = await within("the program to end", this.#child.exited);
    const stdout = this.#file === undefined ? "" : readFileSync(this.#file, "utf8");
    return { exitCode, stdout, screen: this.#screen };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#child.terminal?.close();
  }
}
