/**
 * Clients that are libraries, as programs: each gets the way to mcpd as JSON and prints the names
 * of the tools and what one answers.
 */
export const SDK_1 = `
  import { Client } from "@modelcontextprotocol/sdk/client/index.js";
  import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
  import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
  import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
  const { wire, url, headers, command: [command, ...args] } = JSON.parse(process.argv[2]);
  const options = { requestInit: { headers } };
  const transport =
    wire === "bridge" ? new StdioClientTransport({ command, args })
    : wire === "sse" ? new SSEClientTransport(new URL(url), options)
    : new StreamableHTTPClientTransport(new URL(url), options);
  const client = new Client({ name: "mcpd-interop", version: "1" });
  await client.connect(transport);
  console.log(JSON.stringify((await client.listTools()).tools.map((tool) => tool.name)));
  const call = { name: "echo", arguments: { message: "hello" } };
  console.log(JSON.stringify(await client.callTool(call)));
  await client.close();
`;

export const SDK_2 = `
  import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
  const { wire, url, headers } = JSON.parse(process.argv[2]);
  const options = { requestInit: { headers } };
  const Transport = wire === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
  const mode = wire === "http 2026-07-28" ? { pin: "2026-07-28" } : "legacy";
  const client = new Client(
    { name: "mcpd-interop", version: "1" },
    { versionNegotiation: { mode } },
  );
  await client.connect(new Transport(new URL(url), options));
  console.log(JSON.stringify((await client.listTools()).tools.map((tool) => tool.name)));
  const call = { name: "echo", arguments: { message: "hello" } };
  console.log(JSON.stringify(await client.callTool(call)));
  await client.close();
`;

export const AI_SDK = `
  import { createMCPClient } from "@ai-sdk/mcp";
  import { Experimental_StdioMCPTransport as Stdio } from "@ai-sdk/mcp/mcp-stdio";
  const { wire, url, headers, command: [command, ...args] } = JSON.parse(process.argv[2]);
  const transport =
    wire === "bridge" ? new Stdio({ command, args }) : { type: wire, url, headers };
  const client = await createMCPClient({ transport });
  const tools = await client.tools();
  console.log(JSON.stringify(Object.keys(tools)));
  const call = { toolCallId: "1", messages: [] };
  console.log(JSON.stringify(await tools.echo.execute({ message: "hello" }, call)));
  await client.close();
`;

export const AGENTS = `
  import { MCPServerSSE, MCPServerStdio, MCPServerStreamableHttp } from "@openai/agents";
  const { wire, url, headers, command: [command, ...args] } = JSON.parse(process.argv[2]);
  const server =
    wire === "bridge" ? new MCPServerStdio({ command, args })
    : wire === "sse" ? new MCPServerSSE({ url })
    : new MCPServerStreamableHttp({ url, requestInit: { headers } });
  await server.connect();
  console.log(JSON.stringify((await server.listTools()).map((tool) => tool.name)));
  console.log(JSON.stringify(await server.callTool("echo", { message: "hello" })));
  await server.close();
`;
