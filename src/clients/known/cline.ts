import { type Client, inAppData, inHome } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const FILE = "cline_mcp_settings.json";
const dialect = commonDialect();

/**
 * Format: https://docs.cline.bot/mcp/configuring-mcp-servers. The command line and the extension of
 * VS Code keep a file each.
 */
export const cline: Client = {
  id: "cline",
  title: "Cline",
  http: false,
  traces: (where) => [inAppData(where, "Code", "User", "globalStorage", "saoudrizwan.claude-dev")],
  places: (where) => {
    const extension = ["Code", "User", "globalStorage", "saoudrizwan.claude-dev", "settings"];
    const files = [
      inHome(where, ".cline", "data", "settings", FILE),
      inAppData(where, ...extension, FILE),
    ];
    return files.map((file) => ({ scope: "user", paths: [file], shape: MCP_SERVERS, dialect }));
  },
};
