import { type Client, inHome, inProject } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const dialect = commonDialect();

/**
 * Format: https://cursor.com/docs/context/mcp. Headers may name ${env:NAME}, but a program started
 * from a dock or menu has no variable that we could count on: the bridge.
 */
export const cursor: Client = {
  id: "cursor",
  title: "Cursor",
  http: false,
  traces: (where) => [inHome(where, ".cursor")],
  places: (where) => [
    {
      scope: "user",
      paths: [inHome(where, ".cursor", "mcp.json")],
      shape: MCP_SERVERS,
      dialect,
    },
    ...inProject(where, [[".cursor", "mcp.json"]], { shape: MCP_SERVERS, dialect }),
  ],
};
