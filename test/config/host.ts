import type { ConfigHost } from "../../src/config/resolve.ts";

/** A user and places for tests; nothing of it exists unless a test makes it. */
export function testHost(directory = "/nowhere"): ConfigHost & { readonly name: "linux" } {
  return {
    name: "linux",
    paths: {
      apiKeyFile: `${directory}/state/api-key`,
      configDir: `${directory}/config`,
      stateDir: `${directory}/state`,
    },
    user: { name: "alice", home: "/home/alice" },
  };
}
