import { type Client, inAppData } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const dialect = commonDialect();

/**
 * Format: https://modelcontextprotocol.io/docs/develop/connect-local-servers (commands only;
 * remote servers are added in its settings). Linux: where its packages keep it, as Electron does.
 */
export const claudeDesktop: Client = {
  id: "claude-desktop",
  title: "Claude Desktop",
  http: false,
  traces: (where) => [inAppData(where, "Claude")],
  places: (where) => [
    {
      scope: "user",
      paths: [inAppData(where, "Claude", "claude_desktop_config.json")],
      shape: MCP_SERVERS,
      dialect,
    },
  ],
};
