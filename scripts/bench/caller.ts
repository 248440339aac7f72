/** One client of the bench: an initialized MCP session that makes calls, over HTTP or stdio. */
import { connectHttp, headerOf, type HttpAnswer, type HttpConnection } from "./http.ts";

export interface Caller {
  /** Processes of this client alone. */
  readonly pids: readonly number[];
  /** Sends one request as JSON and gives the JSON of its answer, valid until the next call. */
  call(line: string): Promise<Buffer>;
  close(): void;
}

const PROTOCOL_VERSION = "2025-11-25";
export const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: PROTOCOL_VERSION,
    capabilities: {},
    clientInfo: { name: "bench", version: "1.0.0" },
  },
});
export const INITIALIZED = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" });

const OPENING_BRACE = 123;
const NEWLINE = 10;
/** Where every SDK has written the method of a message. */
const HEAD_BYTES = 40;

type Headers = Readonly<Record<string, string>>;

/**
 * A session over Streamable HTTP on a connection of its own. Throws when it is refused. One that
 * `ends` is deleted when it is closed: some servers have a process for each until then.
 */
export async function connectCaller(url: string, headers: Headers, ends = false): Promise<Caller> {
  const { hostname, port } = new URL(url);
  const connection = await connectHttp(hostname, Number(port));
  const sessionHead = await openSession(connection, url, headers);
  return {
    pids: [],
    async call(line) {
      const answer = await connection.ask(post(sessionHead, line));
      if (answer.status !== 200) throw refusal("tools/call", answer);
      return messageOf(answer.body);
    },
    close() {
      if (!ends) return connection.close();
      const removal = `${sessionHead.replace(/^POST/, "DELETE")}content-length: 0\r\n\r\n`;
      const over = (): void => connection.close();
      void connection.ask(removal).then(over, over);
    },
  };
}

/** Opens one more session on a connection and gives the head of the requests that belong to it. */
export async function openSession(
  connection: HttpConnection,
  url: string,
  headers: Headers,
): Promise<string> {
  const head = requestHead(url, headers);
  const welcome = await connection.ask(post(head, INITIALIZE));
  if (welcome.status !== 200) throw refusal("initialize", welcome);
  const session = headerOf(welcome.head, "mcp-session-id");
  const sessionHead = requestHead(url, {
    ...headers,
    "mcp-session-id": session,
    "mcp-protocol-version": PROTOCOL_VERSION,
  });
  const accepted = await connection.ask(post(sessionHead, INITIALIZED));
  if (accepted.status !== 202) throw refusal("notifications/initialized", accepted);
  return sessionHead;
}

export function requestHead(url: string, headers: Headers): string {
  const { host, pathname, search } = new URL(url);
  const fields = {
    host,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${pathname}${search} HTTP/1.1\r\n${lines.join("")}`;
}

/** Only ASCII bodies: their length in bytes is taken from the text. */
export function post(head: string, body: string): string {
  return `${head}content-length: ${body.length}\r\n\r\n${body}`;
}

/** False for what a server tells or asks without being asked; looks at the beginning alone. */
export function isAnswer(message: Buffer): boolean {
  return !message.subarray(0, HEAD_BYTES).includes('"method":');
}

/** The JSON of an answer: the body itself, or the data of its last event. */
export function messageOf(body: Buffer): Buffer {
  if (body[0] === OPENING_BRACE) return body;
  const data = body.lastIndexOf("data:");
  return body.subarray(data + 5, body.indexOf(NEWLINE, data));
}

export function refusal(what: string, answer: HttpAnswer): Error {
  const body = answer.body.toString("utf8", 0, Math.min(answer.body.length, 500));
  return new Error(`Cannot bench: ${what} was answered with ${answer.status}: ${body}`);
}

export type StdioTarget = {
  readonly kind: "stdio";
  readonly command: readonly string[];
  /** That of the generator where it is not given. */
  readonly environment?: Readonly<Record<string, string>>;
};

/** A client with a process of its own on stdio: a server, or a bridge to one. */
export async function spawnCaller({ command, environment }: StdioTarget): Promise<Caller> {
  const child = Bun.spawn([...command], {
    env: environment ?? process.env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines = readLines(child.stdout);
  async function call(line: string): Promise<Buffer> {
    await child.stdin.write(`${line}\n`);
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("Cannot bench: the server on stdio has ended");
      if (isAnswer(value)) return value;
    }
  }
  await call(INITIALIZE);
  await child.stdin.write(`${INITIALIZED}\n`);
  return { pids: [child.pid], call, close: () => child.kill() };
}

async function* readLines(output: ReadableStream<Uint8Array>): AsyncGenerator<Buffer, undefined> {
  let parts: Buffer[] = [];
  for await (const chunk of output) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    parts.push(bytes);
    if (bytes.at(-1) !== NEWLINE) continue;
    const line = Buffer.concat(parts);
    parts = [];
    yield line;
  }
}
