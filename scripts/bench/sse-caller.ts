/** A client of HTTP+SSE, the transport of 2024-11-05: answers come on the one stream it opens. */
import {
  type Caller,
  INITIALIZE,
  INITIALIZED,
  isAnswer,
  post,
  refusal,
  requestHead,
} from "./caller.ts";
import { connectHttp } from "./http.ts";

const EVENT_END = "\n\n";

type Headers = Readonly<Record<string, string>>;

/** Opens the stream, shakes hands and gives the session. Throws when it is refused. */
export async function connectSseCaller(url: string, headers: Headers): Promise<Caller> {
  const stop = new AbortController();
  const accept = { ...headers, accept: "text/event-stream" };
  const response = await fetch(url, { headers: accept, signal: stop.signal, keepalive: false });
  if (!response.ok || response.body === null) throw new Error(`Cannot bench: ${response.status}`);
  const events = readEvents(response.body);
  const endpoint = new URL((await nextEvent(events)).toString(), url);
  const connection = await connectHttp(endpoint.hostname, Number(endpoint.port));
  const head = requestHead(endpoint.href, headers);
  const send = async (line: string): Promise<void> => {
    const answer = await connection.ask(post(head, line));
    if (answer.status >= 300) throw refusal("a message", answer);
  };
  const call = async (line: string): Promise<Buffer> => {
    const [answer] = await Promise.all([nextEvent(events), send(line)]);
    return answer;
  };
  await call(INITIALIZE);
  await send(INITIALIZED);
  return {
    pids: [],
    call,
    close() {
      stop.abort();
      connection.close();
    },
  };
}

async function nextEvent(events: AsyncGenerator<Buffer, undefined>): Promise<Buffer> {
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error("Cannot bench: the stream has ended");
    if (isAnswer(value)) return value;
  }
}

/** The data of each event, one line long as servers of JSON-RPC have it; comments are left out. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Buffer, undefined> {
  let parts: Buffer[] = [];
  for await (const chunk of body) {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (parts.length > 0 && !endsEvent(parts, bytes)) {
      parts.push(bytes);
      continue;
    }
    bytes = parts.length === 0 ? bytes : Buffer.concat([...parts, bytes]);
    let from = 0;
    for (let end = bytes.indexOf(EVENT_END); end !== -1; end = bytes.indexOf(EVENT_END, from)) {
      const data = dataOf(bytes.subarray(from, end));
      if (data !== null) yield data;
      from = end + EVENT_END.length;
    }
    parts = from < bytes.length ? [bytes.subarray(from)] : [];
  }
}

/** A long event comes in many pieces, of which only the last is worth a look at all of them. */
function endsEvent(parts: readonly Buffer[], bytes: Buffer): boolean {
  const last = parts.at(-1)?.at(-1);
  return bytes.includes(EVENT_END) || (last === 10 && bytes[0] === 10);
}

function dataOf(event: Buffer): Buffer | null {
  const at = event.indexOf("data:");
  return at === -1 ? null : event.subarray(event[at + 5] === 32 ? at + 6 : at + 5);
}
