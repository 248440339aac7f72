/**
 * `bun run interop`: real MCP clients from the registry against dist/mcpd, each over every wire it
 * has; coding clients with a model of our own, and connected by mcpd as well. They are installed
 * outside the project and kept there for the next run. Prints a Markdown table, with `--json` the
 * same as JSON; words pick clients: `bun run interop codex mcporter`, and `--key` only the rows
 * where the daemon wants the API key.
 * Exits 1 when a client that could be installed does not work.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Daemon } from "../test/e2e/harness.ts";
import { program, realServer } from "../test/helpers/program.ts";
import { TemporaryDirectory } from "../test/helpers/temporary.ts";
import { CLIENTS, CODERS } from "./interop/clients.ts";
import { type Installed, Store } from "./interop/kit.ts";
import { expectGateway, type InstalledCoder, SetUpHome } from "./interop/own-ways.ts";
import { type Client, type Way, WIRES } from "./interop/visit.ts";

const UPSTREAM = "everything";
const STORE = process.env["MCPD_INTEROP_DIR"] ?? join(tmpdir(), "mcpd-interop");

type Row = {
  readonly client: string;
  /** null: it could not be installed. */
  readonly version: string | null;
  readonly wire: string | null;
  readonly checked: string;
  readonly ok: boolean;
  readonly seconds: number;
};

function waysTo(daemon: Daemon, key: string | null): readonly Way[] {
  const { env } = daemon.home;
  // Clients start commands with an environment of their own: the bridge has to find this daemon.
  const own = ["HOME", "XDG_RUNTIME_DIR", "MCPD_ALLOW_ROOT"].map((name) => `${name}=${env[name]}`);
  const command = ["env", ...own, program(), "bridge"] as const;
  return WIRES.map((wire) => {
    const door = wire === "sse" ? daemon.urls.sse : daemon.urls.mcp;
    return { wire, url: `${door}/${UPSTREAM}`, command, key };
  });
}

async function visit(client: Client, installed: Installed, way: Way, store: Store): Promise<Row> {
  using home = new TemporaryDirectory();
  const env = { ...store.environment, HOME: home.path };
  const wire = way.key === null ? way.wire : `${way.wire}, API key`;
  const row = { client: client.name, version: installed.version, wire };
  return await rowOf(row, client.visit({ way, installed, home: home.path, env }));
}

async function rowOf(
  row: Pick<Row, "client" | "version" | "wire">,
  seen: Promise<string>,
): Promise<Row> {
  const started = performance.now();
  const [ok, checked] = await seen.then(
    (text) => [true, text] as const,
    (error: unknown) => [false, error instanceof Error ? error.message : String(error)] as const,
  );
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const { client, version, wire } = row;
  return { client, version, wire, checked, ok, seconds };
}

function daemonWith(auth: "none" | "api_key"): Promise<Daemon> {
  const mcpServers = { [UPSTREAM]: realServer("everything") };
  return Daemon.start({ daemon: { auth }, mcpServers });
}

async function* rowsOf(clients: readonly Client[], keyOnly: boolean): AsyncGenerator<Row> {
  const store = new Store(STORE);
  await store.prepare();
  await using open = await daemonWith("none");
  await using locked = await daemonWith("api_key");
  const openWays = keyOnly ? [] : waysTo(open, null);
  const lockedWays = waysTo(locked, locked.key);
  for (const client of clients) {
    const installed = await store.install(client.package);
    if (typeof installed === "string") {
      const nothing = { version: null, wire: null, ok: false, seconds: 0 };
      yield { client: client.name, checked: installed, ...nothing };
      continue;
    }
    const ways = [
      ...openWays.filter(({ wire }) => client.wires.includes(wire)),
      ...lockedWays.filter(({ wire }) => client.keyed.includes(wire)),
    ];
    for (const way of ways) {
      yield await visit(client, installed, way, store);
    }
  }
}

/** The coding clients again, connected by mcpd itself. */
async function* rowsOfOwnWays(clients: readonly Client[]): AsyncGenerator<Row> {
  const store = new Store(STORE);
  await store.prepare();
  const { environment } = store;
  const coders: (InstalledCoder & Pick<Row, "client" | "version">)[] = [];
  for (const { name, package: wanted, coder } of CODERS) {
    if (!clients.some((client) => client.name === name)) continue;
    const installed = await store.install(wanted);
    // The rows of its wires have said why.
    if (typeof installed === "string") continue;
    coders.push({ client: name, version: installed.version, coder, installed });
  }
  if (coders.length === 0) return;
  for (const service of [false, true]) {
    await using home = await SetUpHome.open(coders, { service, environment });
    await home.setUp();
    const wire = service ? "setup, service" : "setup";
    for (const one of coders) yield await rowOf({ ...one, wire }, home.expectConnected(one));
  }
  await using daemon = await daemonWith("api_key");
  for (const one of coders) {
    yield await rowOf({ ...one, wire: "gateway" }, expectGateway(daemon, one, environment));
  }
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function lineOf({ client, version, wire, checked, ok, seconds }: Row): string {
  const result = ok ? "works" : version === null ? "not run" : "FAILS";
  return line([client, version ?? "", wire ?? "", checked, `${result} (${seconds} s)`]);
}

/** The clients that the words pick, by parts of their names; all without words. */
function picked(words: readonly string[]): readonly Client[] {
  if (words.length === 0) return CLIENTS;
  const names = (client: Client): string => `${client.name} ${client.package}`.toLowerCase();
  return CLIENTS.filter((client) => words.some((word) => names(client).includes(word)));
}

async function main(words: readonly string[]): Promise<number> {
  const json = words.includes("--json");
  const clients = picked(
    words.filter((word) => !word.startsWith("--")).map((word) => word.toLowerCase()),
  );
  if (clients.length === 0) {
    console.error(`No such client; there are ${CLIENTS.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const rows: Row[] = [];
  if (!json) {
    console.log(line(["client", "version", "wire", "checked", "result"]));
    console.log(line(["---", "---", "---", "---", "---"]));
  }
  const keyOnly = words.includes("--key");
  for (const some of [rowsOf(clients, keyOnly), ...(keyOnly ? [] : [rowsOfOwnWays(clients)])]) {
    for await (const row of some) {
      rows.push(row);
      if (!json) console.log(lineOf(row));
    }
  }
  if (json) console.log(JSON.stringify(rows, null, 2));
  return rows.every(({ ok, version }) => ok || version === null) ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
