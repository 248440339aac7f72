/**
 * The MCP server that the conformance suite is pointed at, on the official SDK (version 2), in the
 * form its argument names. Over stdio it serves its one client; over HTTP it prints its URL and
 * serves until its stdin ends.
 */
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";

import { serveHttp } from "./fixture/http.ts";
import { createFixture } from "./fixture/server.ts";
import { serveSse } from "./fixture/sse.ts";

/** Serves an opening of either era, one era for the life of the process. */
function dual(): void {
  serveStdio(() => createFixture());
}

/** Answers `initialize` with an error that names the revisions it has. */
function modern(): void {
  serveStdio(() => createFixture(), { legacy: "reject" });
}

/** Knows nothing of 2026-07-28: the handshake of 2025-11-25 and before. */
async function legacy(): Promise<void> {
  await createFixture().connect(new StdioServerTransport());
}

async function untilStdinEnds(listener: Bun.Server<undefined>, path: string): Promise<void> {
  console.log(new URL(path, listener.url).href);
  await Bun.stdin.text();
  await listener.stop(true);
}

const form = process.argv[2];
switch (form) {
  case "dual":
    dual();
    break;
  case "modern":
    modern();
    break;
  case "legacy":
    await legacy();
    break;
  case "http":
    await untilStdinEnds(serveHttp(), "/mcp");
    break;
  case "sse":
    await untilStdinEnds(serveSse(), "/sse");
    break;
  default:
    console.error(`Unknown form: ${form}; use dual, modern, legacy, http or sse`);
    process.exitCode = 2;
}
