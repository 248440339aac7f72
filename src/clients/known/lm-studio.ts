import { type Client, inHome } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

/** Format: https://lmstudio.ai/docs/app/mcp ("follows Cursor's mcp.json notation"). */
export const lmStudio: Client = {
  id: "lm-studio",
  title: "LM Studio",
  http: false,
  traces: (where) => [inHome(where, ".lmstudio")],
  places: (where) => [
    {
      scope: "user",
      paths: [inHome(where, ".lmstudio", "mcp.json")],
      shape: MCP_SERVERS,
      dialect: commonDialect(),
    },
  ],
};
