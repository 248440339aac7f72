/**
 * How a file holds its servers: under `path`, as members named by their key, or (yaml-list) as
 * items with a "name".
 */
export type Shape =
  | { readonly format: "json"; readonly path: readonly string[] }
  | { readonly format: "toml"; readonly path: readonly [string] }
  | { readonly format: "yaml-map"; readonly path: readonly [string] }
  | { readonly format: "yaml-list"; readonly path: readonly [string] };

/** The shape most clients share. */
export const MCP_SERVERS: Shape = { format: "json", path: ["mcpServers"] };
