import { type Client, inHome, inProject } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const dialect = commonDialect({ cwdKey: "working_directory" });

/** Format: https://docs.warp.dev/agent-platform/warp-agents/agent-context/mcp (file-based). */
export const warp: Client = {
  id: "warp",
  title: "Warp",
  http: false,
  traces: (where) => [inHome(where, ".warp")],
  places: (where) => [
    { scope: "user", paths: [inHome(where, ".warp", ".mcp.json")], shape: MCP_SERVERS, dialect },
    ...inProject(where, [[".warp", ".mcp.json"]], { shape: MCP_SERVERS, dialect }),
  ],
};
