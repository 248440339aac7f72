/**
 * The trivial MCP server of the bench, at message level: `echo` answers its text, `bytes` a text of
 * `count` characters. Members stand in the order the official SDK writes them, the id last.
 */
import { payloadOf } from "./payload.ts";

type Request = {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly protocolVersion?: string;
    readonly arguments?: { readonly text?: string; readonly count?: number };
  };
};

const TOOLS = ["echo", "bytes"].map((name) => ({ name, inputSchema: { type: "object" } }));

/** The result of a request as JSON. Long ones are kept, so that making them costs nothing. */
function resultOf(request: Request, kept: Map<number, string>): string {
  const params = request.params;
  if (request.method === "initialize") {
    return JSON.stringify({
      protocolVersion: params?.protocolVersion ?? "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "bench-upstream", version: "1.0.0" },
    });
  }
  if (request.method === "tools/list") return JSON.stringify({ tools: TOOLS });
  if (params?.name !== "bytes") return textResult(params?.arguments?.text ?? "");
  const count = params.arguments?.count ?? 0;
  const known = kept.get(count) ?? textResult(payloadOf(count));
  kept.set(count, known);
  return known;
}

function textResult(text: string): string {
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}]}`;
}

async function main(): Promise<void> {
  const output = Bun.stdout.writer();
  const decoder = new TextDecoder();
  const kept = new Map<number, string>();
  let rest = "";
  for await (const chunk of Bun.stdin.stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const request: Request = JSON.parse(line);
      if (request.id === undefined) continue;
      const id = JSON.stringify(request.id);
      void output.write(`{"result":${resultOf(request, kept)},"jsonrpc":"2.0","id":${id}}\n`);
    }
    await output.flush();
  }
}

await main();
