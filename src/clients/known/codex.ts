import { type Client, type Dialect, inHome, inProject, joinFor, type Where } from "../client.ts";
import { commonDialect, left, reasonToLeave, text, toolsOf, translated } from "../dialect.ts";
import type { Shape } from "../shape.ts";

const shape: Shape = { format: "toml", path: ["mcp_servers"] };

const dialect: Dialect = {
  read(entry, where) {
    const special = reasonToLeave(entry);
    if (special !== null) return left(special);
    const command = text(entry["command"]);
    const { args, env, cwd } = entry;
    const tools = toolsOf(entry);
    if (command !== undefined) return translated({ command, args, env, cwd, tools }, where);
    const url = text(entry["url"]);
    if (url === undefined) return left("it has neither a command nor a url");
    const token = text(entry["bearer_token_env_var"]);
    const named = Object.entries(entry["env_http_headers"] ?? {});
    const headers = {
      ...(entry["http_headers"] as object | undefined),
      ...Object.fromEntries(named.map(([name, variable]) => [name, { env: variable as string }])),
      ...(token === undefined ? {} : { Authorization: { env: token, prefix: "Bearer " } }),
    };
    return translated({ url, headers, tools }, where);
  },
  write: commonDialect().write,
};

/**
 * Format: https://developers.openai.com/codex/mcp. A token comes from a variable only, which the
 * user would have to set: the bridge. Projects: .codex/config.toml, once Codex trusts the project.
 */
export const codex: Client = {
  id: "codex",
  title: "Codex",
  http: false,
  traces: (where) => [home(where)],
  places: (where) => [
    { scope: "user", paths: [joinFor(where, home(where), "config.toml")], shape, dialect },
    ...inProject(where, [[".codex", "config.toml"]], { shape, dialect }),
  ],
};

function home(where: Where): string {
  const own = where.environment["CODEX_HOME"] ?? "";
  return own === "" ? inHome(where, ".codex") : own;
}
