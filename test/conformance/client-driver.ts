/**
 * The client that the suite's client scenarios start: `client-driver.ts (direct | mcpd) URL`. It
 * does what a user of the scenario's server would do, with the official client: straight at the
 * suite's server, to know what can be scored, or through mcpd with that server as its upstream. The
 * suite names the scenario in the environment.
 */
import {
  type Client,
  type PriorDiscovery,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";

import { Daemon } from "../e2e/harness.ts";
import { logIn } from "./client/login.ts";
import { User } from "./client/user.ts";
import { newClient, visit } from "./client/visits.ts";

/** The first, and one more for a step-up or a new authorization server. */
const LOGINS_MAX = 2;

const UPSTREAM = "suite";
const SCENARIO = process.env["MCP_CONFORMANCE_SCENARIO"] ?? "";
const MODERN = process.env["MCP_CONFORMANCE_PROTOCOL_VERSION"] === "2026-07-28";
const CONTEXT: { readonly [key: string]: unknown } = JSON.parse(
  process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}",
);
/** Its server answers neither `server/discover` nor `initialize`. */
const MUTE = SCENARIO === "sep-2322-client-request-state";

/** What such a server would have said. */
const PRIOR: PriorDiscovery = {
  kind: "modern",
  discover: {
    supportedVersions: ["2026-07-28"],
    capabilities: { tools: {} },
    ttlMs: 0,
    cacheScope: "private",
  },
};

/** A client connected to `transport` does what the scenario is about. */
async function visitOver(transport: StreamableHTTPClientTransport): Promise<void> {
  const client: Client = newClient(SCENARIO, MODERN);
  try {
    await client.connect(transport, MUTE ? { prior: PRIOR } : {});
    await visit(client, SCENARIO, CONTEXT);
  } finally {
    await client.close();
  }
}

async function direct(url: string): Promise<void> {
  const user = new User(CONTEXT);
  for (let logins = 0; ; logins++) {
    const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: user });
    try {
      return await visitOver(transport);
    } catch (error) {
      const callback = user.takeCallback();
      if (callback === null || logins === LOGINS_MAX) throw error;
      await transport.finishAuth(callback);
      // The next login may be at another authorization server.
      user.invalidateCredentials("discovery");
    }
  }
}

async function throughMcpd(url: string): Promise<void> {
  await using daemon = await Daemon.start({
    daemon: { auth: "none" },
    mcpServers: { [UPSTREAM]: { url, ...(MUTE ? { era: "modern" } : {}) } },
  });
  for (let logins = 0; ; logins++) {
    try {
      const at = new URL(daemon.mcpUrl(UPSTREAM));
      return await visitOver(new StreamableHTTPClientTransport(at));
    } catch (error) {
      if (!SCENARIO.startsWith("auth/") || logins === LOGINS_MAX) throw error;
      await logIn(daemon, UPSTREAM, CONTEXT);
    }
  }
}

const [way, url] = process.argv.slice(2);
if ((way !== "direct" && way !== "mcpd") || url === undefined) {
  console.error("Use: client-driver.ts (direct | mcpd) URL");
  process.exit(2);
}
await (way === "direct" ? direct(url) : throughMcpd(url));
