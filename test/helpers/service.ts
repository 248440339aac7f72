import { ROOT } from "./sources.ts";
import { waitFor } from "./wait.ts";

/** A server program of a test, on a port of its own, ended with its scope. */
export class Service implements AsyncDisposable {
  readonly port: number;
  readonly #start: (port: number) => Bun.Subprocess;
  #child: Bun.Subprocess;

  private constructor(port: number, start: (port: number) => Bun.Subprocess) {
    this.port = port;
    this.#start = start;
    this.#child = start(port);
  }

  /** Starts a program that is given its port and returns when something listens there. */
  static async start(command: (port: number) => ServiceCommand): Promise<Service> {
    const service = new Service(freePort(), (port) => {
      const { args, env } = command(port);
      return Bun.spawn([process.execPath, "run", ...args], {
        cwd: ROOT,
        env: { ...process.env, ...env },
        stdio: ["ignore", "ignore", "ignore"],
      });
    });
    await service.#listening();
    return service;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    await this.#child.exited;
  }

  /** Ends it at once, as a crash does. */
  async crash(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  /** Starts it again on the same port. */
  async restart(): Promise<void> {
    await this.crash();
    this.#child = this.#start(this.port);
    await this.#listening();
  }

  async #listening(): Promise<void> {
    await waitFor(`a server on port ${this.port}`, async () => {
      if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}`);
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: this.port,
        socket: { data: () => undefined },
      }).catch(() => null);
      socket?.end();
      return socket !== null;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
  }
}

export type ServiceCommand = {
  readonly args: readonly string[];
  readonly env?: { readonly [name: string]: string };
};

/** A port nobody listens on just now: some programs cannot tell which one they were given. */
function freePort(): number {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  listener.stop(true);
  return listener.port;
}
