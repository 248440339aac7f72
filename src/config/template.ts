/** The name of the JSON Schema that is written beside a new config, for editors. */
export const SCHEMA_FILE_NAME = "mcpd.config.schema.json";

/** What a new config says: every upstream still to come, the keys one may want, nothing to undo. */
export const CONFIG_TEMPLATE = `{
  "$schema": "./${SCHEMA_FILE_NAME}",
  "_version": "1.0",

  // Saving this file applies it; only what changed is restarted.
  // 'mcpd config explain' lists every key with its meaning, default and value.
  "daemon": {
    // false stops the server, true starts it.
    "enabled": true,
    // null derives a port from your user name; 'mcpd status' shows it.
    "port": null,
    // DEBUG, INFO, WARNING, ERROR or CRITICAL.
    "log_level": "INFO"
  },

  // Your MCP servers, in the shape every MCP client uses, such as
  //   "files": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "."] }
  // Keep secrets out of this file:
  //   "headers": { "Authorization": { "env": "MY_TOKEN", "prefix": "Bearer " } }
  "mcpServers": {}
}
`;
