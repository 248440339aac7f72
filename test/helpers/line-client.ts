/** A program spoken to in lines of JSON on its standard streams, with nothing hidden. */
import { LineSplitter } from "../../src/lib/lines.ts";
import type { Message } from "./mcp-http.ts";
import { waitFor, within } from "./wait.ts";

type Pipes = Bun.Subprocess<"pipe", "pipe", "pipe">;

const HELLO = {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "lines", version: "1" },
};

export class LineClient implements AsyncDisposable {
  readonly child: Pipes;
  /** Everything it has said, in order. */
  readonly said: Message[] = [];
  readonly stderr: Promise<string>;
  readonly #ended: Promise<void>;

  constructor(
    command: readonly string[],
    options: { readonly cwd: string; readonly env: { readonly [name: string]: string } },
  ) {
    this.child = Bun.spawn([...command], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.stderr = new Response(this.child.stderr).text();
    this.#ended = this.#read();
  }

  /** Sends one line. */
  send(message: object | string): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    void this.child.stdin.write(`${text}\n`);
    void this.child.stdin.flush();
  }

  ask(id: number | string, method: string, params: object = {}): void {
    this.send({ jsonrpc: "2.0", id, method, params });
  }

  /** The answer to a request; asking and waiting are two things, so that calls can overlap. */
  async answer(id: number | string): Promise<Message> {
    return await waitFor(`the answer to ${id}`, () =>
      this.said.find((message) => message.id === id && message.method === undefined),
    );
  }

  async request(id: number | string, method: string, params: object = {}): Promise<Message> {
    this.ask(id, method, params);
    return await this.answer(id);
  }

  /** Does the handshake and returns the answer to `initialize`, which has id 0. */
  async initialize(hello: object = {}): Promise<Message> {
    const answer = await this.request(0, "initialize", { ...HELLO, ...hello });
    this.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  /** The text of a tool's first content block. */
  async call(id: number, name: string, args: object = {}): Promise<string> {
    return textOf(await this.request(id, "tools/call", { name, arguments: args }));
  }

  async heard(method: string): Promise<Message> {
    return await waitFor(method, () => this.said.find((message) => message.method === method));
  }

  /** Closes its input and returns how it ended. */
  async end(): Promise<number> {
    void this.child.stdin.end();
    return await within("it to end", this.child.exited);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    await this.#ended;
  }

  async #read(): Promise<void> {
    const lines = new LineSplitter(100_000_000, {
      line: (text) => this.said.push(JSON.parse(text)),
      tooLong: () => undefined,
    });
    for await (const chunk of this.child.stdout) lines.push(chunk);
  }
}

export function textOf(answer: Message): string {
  const content = answer.result?.["content"] as { readonly text?: string }[] | undefined;
  return content?.[0]?.text ?? JSON.stringify(answer);
}
