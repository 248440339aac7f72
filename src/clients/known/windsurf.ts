import { type Client, inHome } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

/** Format: https://docs.windsurf.com/windsurf/cascade/mcp. */
export const windsurf: Client = {
  id: "windsurf",
  title: "Windsurf",
  http: false,
  traces: (where) => [inHome(where, ".codeium", "windsurf")],
  places: (where) => [
    {
      scope: "user",
      paths: [inHome(where, ".codeium", "windsurf", "mcp_config.json")],
      shape: MCP_SERVERS,
      dialect: commonDialect({ urlKey: "serverUrl" }),
    },
  ],
};
