/** One MCP client: starts every server of its config, says "ready N" for N tools, and stays. */
import { readFileSync } from "node:fs";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  getDefaultEnvironment,
  StdioClientTransport,
  type StdioServerParameters,
} from "@modelcontextprotocol/sdk/client/stdio.js";

type Config = { readonly mcpServers: { readonly [name: string]: StdioServerParameters } };

const [, , file = ""] = process.argv;
const { mcpServers }: Config = JSON.parse(readFileSync(file, "utf8"));
const env = { ...getDefaultEnvironment(), XDG_RUNTIME_DIR: process.env["XDG_RUNTIME_DIR"] ?? "" };
let tools = 0;
for (const server of Object.values(mcpServers)) {
  const client = new Client({ name: "saving", version: "1" });
  await client.connect(new StdioClientTransport({ ...server, env, stderr: "ignore" }));
  tools += (await client.listTools()).tools.length;
}
console.log(`ready ${tools}`);
process.stdin.on("end", () => process.exit(0)).resume();
