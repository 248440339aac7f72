import {
  type Client,
  type Dialect,
  type Entry,
  inAppData,
  inXdgConfig,
  type Where,
} from "../client.ts";
import { left, reasonToLeave, text, toolsOf, translated } from "../dialect.ts";

const dialect: Dialect = {
  read(entry, where) {
    const special = reasonToLeave(entry);
    if (special !== null) return left(special);
    const keys: unknown = entry["env_keys"];
    if (Array.isArray(keys) && keys.length > 0) return left("its secrets are in Goose's keychain");
    const { args, envs, headers, type } = entry;
    const tools = toolsOf(entry);
    const command = text(entry["cmd"]);
    if (type === "stdio" && command !== undefined) {
      return translated({ command, args, env: envs, tools }, where);
    }
    const url = text(entry["uri"]);
    if ((type === "sse" || type === "streamable_http") && url !== undefined) {
      return translated({ url, headers, type, tools }, where);
    }
    return left(`Goose itself provides extensions of type ${text(type) ?? "unknown"}`);
  },
  write(way, name): Entry {
    if (way.kind !== "bridge") throw new Error("This client is connected by the bridge only");
    return {
      name,
      type: "stdio",
      enabled: true,
      cmd: way.command,
      args: [...way.args],
      timeout: 300,
    };
  },
};

/** Format: https://block.github.io/goose/docs/guides/config-files. */
export const goose: Client = {
  id: "goose",
  title: "Goose",
  http: false,
  traces: (where) => [settings(where)],
  places: (where) => [
    {
      scope: "user",
      paths: [settings(where, "config.yaml")],
      shape: { format: "yaml-map", path: ["extensions"] },
      dialect,
    },
  ],
};

function settings(where: Where, ...file: readonly string[]): string {
  return where.system === "windows"
    ? inAppData(where, "Block", "goose", "config", ...file)
    : inXdgConfig(where, "goose", ...file);
}
