import { type Client, inHome, inProject } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const dialect = commonDialect();

/**
 * Format: https://junie.jetbrains.com/docs/junie-cli-mcp-configuration.html and
 * https://www.jetbrains.com/help/junie/model-context-protocol-mcp.html. The AI Assistant of these
 * IDEs keeps its servers in the IDE's settings, which have no documented format.
 */
export const junie: Client = {
  id: "junie",
  title: "JetBrains Junie",
  http: false,
  traces: (where) => [inHome(where, ".junie")],
  places: (where) => [
    {
      scope: "user",
      paths: [inHome(where, ".junie", "mcp", "mcp.json")],
      shape: MCP_SERVERS,
      dialect,
    },
    ...inProject(where, [[".junie", "mcp", "mcp.json"]], { shape: MCP_SERVERS, dialect }),
  ],
};
