/**
 * The bare relay: the least that sharing one stdio server over HTTP can cost, and so the limit
 * that mcpd is measured against. A request's id is spliced, its line goes to the one child, the
 * answer is found by its id; nothing else is read. No auth, no sessions, no errors: not for use.
 *
 *   relay PORT COMMAND [ARGUMENT...]
 */
import { randomUUID } from "node:crypto";

import { INITIALIZE, INITIALIZED } from "./caller.ts";

const LINE_END = 10;
const ID = /"id":(\d+|"[^"]*")/;
const JSON_HEADERS = { "content-type": "application/json" };

type Waiting = { readonly id: string; readonly settle: (answer: Response) => void };

/** One whole line of the child; its id stands at the end, after a result of any length. */
function answer(line: Buffer, waiting: Map<number, Waiting>): void {
  const start = line.lastIndexOf('"id":') + 5;
  const end = line.lastIndexOf("}");
  const id = Number(line.toString("latin1", start, end));
  const found = waiting.get(id);
  waiting.delete(id);
  const body = [line.subarray(0, start), Buffer.from(found?.id ?? ""), line.subarray(end)];
  found?.settle(new Response(Buffer.concat(body), { headers: JSON_HEADERS }));
}

async function readAnswers(output: ReadableStream, waiting: Map<number, Waiting>): Promise<void> {
  let parts: Buffer[] = [];
  for await (const chunk of output) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(LINE_END); at !== -1; at = bytes.indexOf(LINE_END, from)) {
      const piece = bytes.subarray(from, at);
      answer(parts.length === 0 ? piece : Buffer.concat([...parts, piece]), waiting);
      parts = [];
      from = at + 1;
    }
    if (from < bytes.length) parts.push(bytes.subarray(from));
  }
}

/** The relay answers `initialize` itself: its child is one server for all, and greeted already. */
function welcome(id: string): Response {
  const serverInfo = { name: "bare-relay", version: "1.0.0" };
  const result = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo };
  const body = `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`;
  return new Response(body, { headers: { ...JSON_HEADERS, "mcp-session-id": randomUUID() } });
}

function main(port: number, command: string[]): void {
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const waiting = new Map<number, Waiting>();
  // Nobody waits for the answer: its id, 0, is of no request that follows.
  void child.stdin.write(`${INITIALIZE}\n${INITIALIZED}\n`);
  let lastId = 0;
  async function post(request: Request): Promise<Response> {
    const body = await request.text();
    const id = ID.exec(body);
    if (id === null || id[1] === undefined) return new Response(null, { status: 202 });
    if (body.includes('"method":"initialize"')) return welcome(id[1]);
    const own = ++lastId;
    const { promise, resolve } = Promise.withResolvers<Response>();
    waiting.set(own, { id: id[1], settle: resolve });
    const rest = body.slice(id.index + id[0].length);
    void child.stdin.write(`${body.slice(0, id.index)}"id":${own}${rest}\n`);
    return promise;
  }
  Bun.serve({ hostname: "127.0.0.1", port, idleTimeout: 0, fetch: post });
  void readAnswers(child.stdout, waiting);
}

main(Number(process.argv[2]), process.argv.slice(3));
