/** A client that asks and does not read: HTTP over a socket whose receiving end is paused. */
import { connect, type Socket } from "node:net";

export class DeafClient implements Disposable {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Sends the request and stops reading once `until` has come; null reads nothing at all. */
  static async ask(
    url: string,
    request: {
      readonly method: string;
      readonly headers: { readonly [name: string]: string };
      readonly body?: string;
    },
    until: RegExp | null,
  ): Promise<{ readonly client: DeafClient; readonly said: string }> {
    const { hostname, port, pathname, host } = new URL(url);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect(Number(port), hostname);
    socket.on("error", reject);
    const { body = "" } = request;
    const headers = { ...request.headers, host, "content-length": String(Buffer.byteLength(body)) };
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    let said = "";
    socket.on("data", (chunk) => {
      said += chunk.toString("utf8");
      if (until?.test(said) !== true) return;
      socket.pause();
      resolve(said);
    });
    if (until === null) socket.pause();
    const first = `${request.method} ${pathname} HTTP/1.1\r\n`;
    socket.write(`${first}${head.join("")}\r\n${body}`, () => {
      if (until === null) resolve("");
    });
    return { said: await promise, client: new DeafClient(socket) };
  }

  [Symbol.dispose](): void {
    this.#socket.on("error", () => undefined);
    this.#socket.destroy();
  }
}
