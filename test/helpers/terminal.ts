import type { Environment } from "../e2e/harness.ts";
import { waitFor, within } from "./wait.ts";

/** What was printed where: the terminal shows standard error. */
export type Shown = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly screen: string;
};

/** A program in a terminal, with its standard output in a file as that of `mcpd call > FILE`. */
export class Terminal implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #file: string;
  #screen = "";
  /** How much of the screen has been waited for. */
  #read = 0;

  constructor(
    words: readonly string[],
    { env, cwd, file }: { readonly env: Environment; readonly cwd: string; readonly file: string },
  ) {
    this.#file = file;
    this.#child = Bun.spawn(
      ["/bin/sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh", file, ...words],
      {
        cwd,
        env: { ...env },
        terminal: {
          cols: 100,
          data: (_, chunk) => {
            this.#screen += Buffer.from(chunk).toString();
          },
        },
      },
    );
  }

  /** Waits until the screen says something that it has not said before, then types. */
  async type(after: string, keys: string): Promise<void> {
    await waitFor(`"${after}" on the screen:\n${this.#screen}`, () => {
      const at = this.#screen.indexOf(after, this.#read);
      if (at >= 0) this.#read = at + after.length;
      return at >= 0;
    });
    this.#child.terminal?.write(keys);
  }

  async end(): Promise<Shown> {
    const exitCode = await within("the program to end", this.#child.exited);
    return { exitCode, stdout: await Bun.file(this.#file).text(), screen: this.#screen };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#child.terminal?.close();
  }
}
