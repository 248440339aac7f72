import { type Client, inHome, inProject } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const common = commonDialect();

/**
 * Format: https://docs.continue.dev/customize/deep-dives/mcp. A workspace takes files in the shape
 * of the other clients in .continue/mcpServers.
 */
export const continueDev: Client = {
  id: "continue",
  title: "Continue",
  http: false,
  traces: (where) => [inHome(where, ".continue")],
  places: (where) => [
    {
      scope: "user",
      paths: [inHome(where, ".continue", "config.yaml")],
      shape: { format: "yaml-list", path: ["mcpServers"] },
      dialect: {
        read: common.read,
        write: (way, name) => ({ name, type: "stdio", ...common.write(way, name) }),
      },
    },
    ...inProject(where, [[".continue", "mcpServers", "mcp.json"]], {
      shape: MCP_SERVERS,
      dialect: common,
    }),
  ],
};
