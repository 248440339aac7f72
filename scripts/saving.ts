/**
 * What 'mcpd setup' saves five clients with the same five real servers: in its own words, and from
 * /proc (Linux). Everything lives in a temporary home; two servers are installed from the registry.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { Daemon, Home } from "../test/e2e/harness.ts";
import { within } from "../test/helpers/wait.ts";
import { householdServers } from "./bench/household.ts";
import { groupBytes, privateMemory, processTree } from "./bench/process.ts";
import { Store } from "./interop/kit.ts";

const FILES = [
  ".cursor/mcp.json",
  ".gemini/settings.json",
  ".codeium/windsurf/mcp_config.json",
  ".lmstudio/mcp.json",
  ".claude.json",
];
const START_MS = 60_000;
/** Servers are largest right after they have started. */
const SETTLE_MS = 3_000;
const MEBIBYTE = 1_048_576;

class Clients implements AsyncDisposable {
  readonly #running: Bun.Subprocess<"pipe", "pipe", "inherit">[] = [];

  static async start(home: Home): Promise<Clients> {
    const clients = new Clients();
    for (const file of FILES) {
      const program = join(import.meta.dir, "saving", "client.ts");
      const child = Bun.spawn([process.execPath, "run", program, join(home.path, file)], {
        cwd: home.path,
        env: { ...home.env },
        stdio: ["pipe", "pipe", "inherit"],
      });
      clients.#running.push(child);
      await within(`the client of ${file}`, child.stdout.getReader().read(), START_MS);
    }
    await Bun.sleep(SETTLE_MS);
    return clients;
  }

  /** What they have started. */
  get pids(): readonly number[] {
    return this.#running.flatMap(({ pid }) => processTree(pid).filter((one) => one !== pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) {
      await child.stdin.end();
      await child.exited;
    }
    await Bun.sleep(SETTLE_MS);
  }
}

function show(what: string, pids: readonly number[]): void {
  const { privateBytes } = privateMemory(pids);
  const [shared, own] = [groupBytes(pids), privateBytes].map((bytes) =>
    (bytes / MEBIBYTE).toFixed(0),
  );
  console.log(`${what}: ${pids.length} processes, PSS ${shared} MB, private ${own} MB`);
}

async function setup(daemon: Daemon): Promise<void> {
  const { stdout } = await daemon.run("setup", "--yes");
  for (const line of stdout.split("\n")) {
    if (/^(Before|Now)/.test(line)) console.log(`  mcpd setup says: ${line}`);
  }
}

const store = new Store(process.env["MCPD_PEERS_DIR"] ?? join(tmpdir(), "mcpd-peers"));
await store.prepare();
using home = new Home({ PATH: store.environment["PATH"] ?? "" });
const servers = Object.entries(await householdServers(home.path, store)).map(
  // They are programs of Node, and run on it at home.
  ([name, [, , ...args]]) => [name, { command: "node", args }] as const,
);
for (const file of FILES) {
  const path = join(home.path, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ mcpServers: Object.fromEntries(servers) }));
}
await using daemon = await Daemon.start({}, { home });
{
  await using clients = await Clients.start(home);
  show("before, servers in the clients", clients.pids);
  await setup(daemon);
}
await using clients = await Clients.start(home);
show("after, mcpd, servers and bridges", [...processTree(daemon.child.pid), ...clients.pids]);
await setup(daemon);
