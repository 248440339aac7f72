import { type Client, inAppData, inProject } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import type { Shape } from "../shape.ts";

const shape: Shape = { format: "json", path: ["servers"] };
const dialect = commonDialect({ extra: { type: "stdio" } });

/**
 * Format: https://code.visualstudio.com/docs/copilot/reference/mcp-configuration. Its inputs ask
 * the user for a secret, which nobody should have to type: the bridge.
 */
export const vscode: Client = {
  id: "vscode",
  title: "VS Code",
  http: false,
  traces: (where) => [inAppData(where, "Code", "User")],
  places: (where) => [
    { scope: "user", paths: [inAppData(where, "Code", "User", "mcp.json")], shape, dialect },
    ...inProject(where, [[".vscode", "mcp.json"]], { shape, dialect }),
  ],
};
