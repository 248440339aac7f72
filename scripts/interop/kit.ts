/** What `bun run interop` works with: packages in a folder, programs that end in time. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Installing the largest client takes half a minute. */
const INSTALL_MS = 120_000;
/** A client that has said nothing by then hangs. */
const PATIENCE_MS = 60_000;

export type Environment = { readonly [name: string]: string };

/** A client in a folder of its own. */
export type Installed = {
  readonly folder: string;
  readonly version: string;
  /** The path of one of its programs. */
  bin(name: string): string;
};

export type Finished = {
  readonly exitCode: number;
  readonly stdout: string;
  /** With what it said on standard error. */
  readonly output: string;
  /** It was ended because it took too long. */
  readonly late: boolean;
};

/** Packages from the registry, outside the project and kept for the next run. */
export class Store {
  readonly #folder: string;
  /** A Node that every client takes; null when it cannot be had: then the machine's own it is. */
  #node: string | null = null;
  /** The registry cannot be reached: what is not here yet is not waited for either. */
  #offline = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The environment of installers and clients: little of our own, and that Node first. */
  get environment(): Environment {
    const path = process.env["PATH"] ?? "";
    return {
      PATH: this.#node === null ? path : `${dirname(this.#node)}${delimiter}${path}`,
      DO_NOT_TRACK: "1",
      DISABLE_TELEMETRY: "1",
      NO_COLOR: "1",
      NO_UPDATE_NOTIFIER: "1",
    };
  }

  /** Installs the Node that the clients run with. */
  async prepare(): Promise<void> {
    const found = await this.install("node@24");
    if (typeof found !== "string") this.#node = join(found.folder, "node_modules/node/bin/node");
  }

  /** A package, its newest version unless `wanted` names one; a text says why there is none. */
  async install(wanted: string): Promise<Installed | string> {
    const name = wanted.replace(/(?<=.)@[^@/]*$/, "");
    const folder = join(this.#folder, name.replace(/^@/, "").replaceAll("/", "-"));
    const manifest = join(folder, "node_modules", name, "package.json");
    if (!existsSync(manifest)) {
      if (this.#offline) return "cannot be installed: the registry did not answer before";
      mkdirSync(folder, { recursive: true });
      const command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, wanted];
      // The user's own: it says where the registry is and how to get there.
      const env = { ...process.env, PATH: this.environment["PATH"] };
      const run = await runProgram(command, { cwd: folder, env, patienceMs: INSTALL_MS });
      this.#offline = run.late;
      const failed = run.exitCode !== 0 || !existsSync(manifest);
      const words = run.output.replace(/^npm error A complete log .*$/m, "");
      if (failed) return `cannot be installed: ${lastLine(words)}`;
    }
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    const bin = (program: string): string => join(folder, "node_modules", ".bin", program);
    return { folder, version, bin };
  }
}

/**
 * Runs a program to its end, or ends it, with all it started, when it takes too long: it leads a
 * process group of its own.
 */
export async function runProgram(
  command: readonly string[],
  options: Omit<Options, "stdin">,
): Promise<Finished> {
  using program = start(command, { ...options, stdin: "ignore" });
  const { child } = program;
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const { late } = program;
  return { exitCode, stdout, output: late ? `${stderr}\nit took too long` : stdout + stderr, late };
}

/** A program that speaks JSON-RPC in lines on its standard streams. */
export class Talk implements Disposable {
  readonly #program: Program;
  readonly #lines: AsyncIterator<string>;
  #id = 0;

  constructor(
    command: readonly string[],
    options: { readonly cwd: string; readonly env: Environment },
  ) {
    this.#program = start(command, { ...options, stdin: "pipe" });
    void new Response(this.#program.child.stderr).text();
    this.#lines = linesOf(this.#program.child.stdout);
  }

  notify(method: string): void {
    this.#say({ jsonrpc: "2.0", method });
  }

  async request(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#id;
    this.#say({ jsonrpc: "2.0", id, method, params });
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`it ended before it answered ${method}`);
      const message = parsed(value);
      if (message?.id !== id || message.method !== undefined) continue;
      if (message.error !== undefined) throw new Error(JSON.stringify(message.error));
      return message.result;
    }
  }

  [Symbol.dispose](): void {
    this.#program[Symbol.dispose]();
  }

  #say(message: object): void {
    const { stdin } = this.#program.child;
    if (typeof stdin !== "object") return;
    void stdin.write(`${JSON.stringify(message)}\n`);
    void stdin.flush();
  }
}

type Options = {
  readonly cwd: string;
  readonly env: { readonly [name: string]: string | undefined };
  readonly patienceMs?: number;
  readonly stdin: "ignore" | "pipe";
};
type Child = Bun.Subprocess<"ignore" | "pipe", "pipe", "pipe">;
type Program = Disposable & { readonly child: Child; readonly late: boolean };
type Answer = {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: unknown;
};

function start(command: readonly string[], options: Options): Program {
  const { cwd, env, patienceMs = PATIENCE_MS, stdin } = options;
  const stdio = [stdin, "pipe", "pipe"] as const;
  const child: Child = Bun.spawn([...command], { cwd, env, stdio: [...stdio], detached: true });
  let late = false;
  const end = (): void => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nobody of its group is left.
    }
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, patienceMs);
  return {
    child,
    get late() {
      return late;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      end();
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function parsed(line: string): Answer | null {
  try {
    return JSON.parse(line) as Answer;
  } catch {
    return null;
  }
}

/** The last words of a program, short enough for a table. */
export function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return (lines.findLast((line) => line !== "") ?? "it said nothing").slice(0, 160);
}
