/** Streamable HTTP of 2026-07-28 around the tasks server: headers are compared with the body. */
import type { Id, Incoming, Params } from "../../fixtures/servers/rpc.ts";
import { META, metaOf, REVISION } from "./envelope.ts";
import { type Send, TasksServer } from "./server.ts";

type Problem = { readonly code: number; readonly message: string; readonly data?: object };

export function serveTasksOverHttp(): Bun.Server<undefined> {
  const server = new TasksServer();
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    routes: {
      "/mcp": { POST: async (request) => answer(server, request, await request.json()) },
    },
  });
}

function answer(
  server: TasksServer,
  { headers }: Request,
  message: Incoming,
): Response | Promise<Response> {
  const { id, method = "" } = message;
  if (id === undefined) {
    server.receive(message, () => {});
    return new Response(null, { status: 202 });
  }
  const error = problemWith(headers, message);
  if (error !== null) return reply({ id, error });
  if (method === "subscriptions/listen") return stream(server, message, id);
  const { promise, resolve } = Promise.withResolvers<Response>();
  server.receive(message, (said) => resolve(reply(said)));
  return promise;
}

/** What is wrong with a request before its method is looked at, or null. */
function problemWith(headers: Headers, { method = "", params = {} }: Incoming): Problem | null {
  const meta = metaOf(params);
  const version = meta[META.protocolVersion];
  if (version === undefined || meta[META.clientCapabilities] === undefined) {
    return { code: -32602, message: "The envelope is not complete" };
  }
  const mirrored: readonly (readonly [string, unknown])[] = [
    ["MCP-Protocol-Version", version],
    ["Mcp-Method", method],
    ["Mcp-Name", nameIn(method, params)],
  ];
  const wrong = mirrored.find(([name, value]) => value !== null && headers.get(name) !== value);
  if (wrong !== undefined)
    return { code: -32020, message: `${wrong[0]} is not what the body says` };
  if (version !== REVISION) {
    const data = { supported: [REVISION], requested: version };
    return { code: -32022, message: "Unsupported revision", data };
  }
  return null;
}

function nameIn(method: string, params: Params): unknown {
  if (method === "tools/call") return params["name"];
  return ["tasks/get", "tasks/update", "tasks/cancel"].includes(method) ? params["taskId"] : null;
}

function reply(message: object): Response {
  const code = "error" in message ? (message.error as Problem).code : undefined;
  const bad = code !== undefined && (code === -32602 || (code <= -32020 && code >= -32022));
  const status = code === -32601 ? 404 : bad ? 400 : 200;
  return Response.json({ jsonrpc: "2.0", ...message }, { status });
}

function stream(server: TasksServer, message: Incoming, id: Id): Response {
  let send: Send = () => {};
  const body = new ReadableStream<string>({
    start: (controller) => {
      send = (said) => controller.enqueue(`data: ${line(said)}\n\n`);
      server.receive(message, send);
    },
    cancel: () => server.forget(id, send),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function line(message: object): string {
  return JSON.stringify({ jsonrpc: "2.0", ...message });
}
