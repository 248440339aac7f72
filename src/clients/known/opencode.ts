import { type Client, type Dialect, inProject, inXdgConfig } from "../client.ts";
import { left, reasonToLeave, text, translated } from "../dialect.ts";
import type { Shape } from "../shape.ts";

const shape: Shape = { format: "json", path: ["mcp"] };

const dialect: Dialect = {
  read(entry, where) {
    const special = reasonToLeave(entry);
    if (special !== null) return left(special);
    const url = text(entry["url"]);
    const { command: line, environment: env, headers } = entry;
    if (/\{file:/.test(JSON.stringify(entry))) return left("it takes a value from a file");
    if (url !== undefined) return translated({ url, headers }, where);
    const [command, ...args]: readonly unknown[] = Array.isArray(line) ? line : [];
    const program = text(command);
    if (program === undefined) return left("it has neither a command nor a url");
    return translated({ command: program, args, env }, where);
  },
  write(way) {
    if (way.kind === "bridge") {
      return { type: "local", command: [way.command, ...way.args], enabled: true };
    }
    // Without "oauth" off it would look for a login before it sends the header.
    const headers = { Authorization: `Bearer {file:${way.keyFile}}` };
    return { type: "remote", url: way.url, headers, oauth: false, enabled: true };
  },
};

/** Format: https://opencode.ai/docs/mcp-servers, {file:PATH}: https://opencode.ai/docs/config. */
export const opencode: Client = {
  id: "opencode",
  title: "opencode",
  http: true,
  traces: (where) => [inXdgConfig(where, "opencode")],
  places: (where) => [
    {
      scope: "user",
      paths: ["opencode.json", "opencode.jsonc"].map((name) =>
        inXdgConfig(where, "opencode", name),
      ),
      shape,
      dialect,
    },
    ...inProject(where, [["opencode.json"], ["opencode.jsonc"]], { shape, dialect }),
  ],
};
