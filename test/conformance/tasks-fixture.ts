/**
 * An MCP server of 2026-07-28 with the tasks extension, message by message, since no SDK serves it:
 * `tasks-fixture.ts (stdio | http)`. Over HTTP it prints its URL and serves until its stdin ends.
 */
import { send } from "../fixtures/servers/rpc.ts";
import { serveTasksOverHttp } from "./tasks/http.ts";
import { TasksServer } from "./tasks/server.ts";

async function stdio(): Promise<void> {
  const server = new TasksServer();
  for await (const line of console) {
    if (line.trim() !== "") server.receive(JSON.parse(line), send);
  }
}

async function http(): Promise<void> {
  const listener = serveTasksOverHttp();
  console.log(new URL("/mcp", listener.url).href);
  await Bun.stdin.text();
  await listener.stop(true);
}

const form = process.argv[2];
if (form === "stdio") await stdio();
else if (form === "http") await http();
else {
  console.error(`Unknown form: ${form}; use stdio or http`);
  process.exitCode = 2;
}
