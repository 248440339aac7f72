import { type Client, inHome, inProject, joinFor } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const dialect = commonDialect({
  // The key is asked for when it is needed: a client that runs for long gets a new one, too.
  http: ({ url, headersCommand }) => ({ type: "http", url, headersHelper: headersCommand }),
  extra: { type: "stdio" },
});

/**
 * Format: https://code.claude.com/docs/en/mcp (scopes, .mcp.json, headersHelper);
 * CLAUDE_CONFIG_DIR: https://code.claude.com/docs/en/settings. What "claude mcp add" writes without
 * a scope is "local": under projects, by directory, in the file of the user.
 */
export const claudeCode: Client = {
  id: "claude-code",
  title: "Claude Code",
  http: true,
  traces: (where) => [inHome(where, ".claude")],
  places: (where) => {
    const own = where.environment["CLAUDE_CONFIG_DIR"] ?? "";
    const file = own === "" ? inHome(where, ".claude.json") : joinFor(where, own, ".claude.json");
    return [
      { scope: "user", paths: [file], shape: MCP_SERVERS, dialect },
      ...inProject(where, [[".mcp.json"]], { shape: MCP_SERVERS, dialect }),
      {
        scope: "local",
        paths: [file],
        shape: MCP_SERVERS,
        dialect,
        projectsKey: "projects",
        offPath: ["disabledMcpServers"],
      },
    ];
  },
};
