import { type Client, type Dialect, inHome, inProject, joinFor, type Where } from "../client.ts";
import {
  commonDialect,
  left,
  reasonToLeave,
  text,
  toolsOf,
  translated,
  withTexts,
} from "../dialect.ts";
import { MCP_SERVERS } from "../shape.ts";

const common = commonDialect();

/** Its settings may say $NAME anywhere in a text, where others say ${NAME}. */
const OWN_NOTATION = /\$([A-Za-z_]\w*)/g;

const dialect: Dialect = {
  read(written, where) {
    const entry = withTexts(written, (value) => value.replaceAll(OWN_NOTATION, "$${$1}"));
    const special = reasonToLeave(entry);
    if (special !== null) return left(special);
    const { headers } = entry;
    const tools = toolsOf(entry);
    const http = text(entry["httpUrl"]);
    if (http !== undefined) return translated({ url: http, headers, tools }, where);
    const url = text(entry["url"]);
    // A url alone is one of server-sent events there.
    if (url !== undefined) {
      return translated({ url, headers, type: entry["type"] ?? "sse", tools }, where);
    }
    return common.read(entry, where);
  },
  write: common.write,
};

const LISTS = {
  shape: MCP_SERVERS,
  dialect,
  offPath: ["mcp", "excluded"],
  onlyPath: ["mcp", "allowed"],
};

/**
 * Format: https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/mcp-server.md. Headers
 * name variables only, which the user would have to set: the bridge. GEMINI_CLI_HOME:
 * https://github.com/google-gemini/gemini-cli/blob/main/docs/reference/configuration.md.
 */
export const geminiCli: Client = {
  id: "gemini-cli",
  title: "Gemini CLI",
  http: false,
  traces: (where) => [geminiDirectory(where)],
  places: (where) => [
    {
      scope: "user",
      paths: [joinFor(where, geminiDirectory(where), "settings.json")],
      ...LISTS,
    },
    ...inProject(where, [[".gemini", "settings.json"]], LISTS),
  ],
};

/** Where Gemini CLI keeps its settings and logins. */
export function geminiDirectory(where: Omit<Where, "project">): string {
  const own = where.environment["GEMINI_CLI_HOME"] ?? "";
  return own === "" ? inHome(where, ".gemini") : joinFor(where, own, ".gemini");
}
