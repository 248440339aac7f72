import { type Client, inAppData, inHome, inXdgConfig, type Where } from "../client.ts";
import { commonDialect } from "../dialect.ts";

/** Format: https://zed.dev/docs/ai/mcp; files: https://zed.dev/docs/configuring-zed. */
export const zed: Client = {
  id: "zed",
  title: "Zed",
  http: false,
  traces: (where) => [settings(where)],
  places: (where) => [
    {
      scope: "user",
      paths: [settings(where, "settings.json")],
      shape: { format: "json", path: ["context_servers"] },
      dialect: commonDialect(),
    },
  ],
};

function settings(where: Where, ...file: readonly string[]): string {
  switch (where.system) {
    case "linux":
      return inXdgConfig(where, "zed", ...file);
    case "darwin":
      return inHome(where, ".config", "zed", ...file);
    case "windows":
      return inAppData(where, "Zed", ...file);
  }
}
