/** What a household takes of memory: five clients that each use the same five real servers. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { processesOf, realServer } from "../../test/helpers/program.ts";
import { within } from "../../test/helpers/wait.ts";
import type { Environment, Installed, Store } from "../interop/kit.ts";
import type { Caller } from "./caller.ts";
import type { Lab } from "./lab.ts";
import { openCaller, type Target } from "./load.ts";
import { type Peer, PEERS, type Upstreams } from "./peers.ts";
import { executableOf, groupBytes, privateMemory, processTree } from "./process.ts";
import { apiKey, freePort, spawnSubject, stopTree, writeConfig } from "./subject.ts";

export type HouseholdRow = {
  readonly name: string;
  readonly processes: number;
  /** PSS of the servers' processes and of those that share them, clients not counted, in bytes. */
  readonly serverBytes: number;
  readonly proxyBytes: number;
  /** What would be free without them, in bytes. */
  readonly privateBytes: number;
  /** Why there are no figures. */
  readonly problem: string | null;
};

const THOUGHT = { thought: "x", thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false };

/** Servers from the registry, with their exact versions, and the program of each. */
const INSTALLED = {
  thinking: [
    "@modelcontextprotocol/server-sequential-thinking@2026.8.31",
    "mcp-server-sequential-thinking",
  ],
  context7: ["@upstash/context7-mcp@4.1.1", "context7-mcp"],
} as const;

/** Each server, and a call that it is really there for. */
const CALLS: { readonly [server: string]: { readonly name: string; readonly arguments: object } } =
  {
    everything: { name: "echo", arguments: { message: "hello" } },
    filesystem: { name: "list_allowed_directories", arguments: {} },
    memory: { name: "read_graph", arguments: {} },
    thinking: { name: "sequentialthinking", arguments: THOUGHT },
    // It would ask the network, but for arguments that it refuses.
    context7: { name: "resolve-library-id", arguments: {} },
  };

const CLIENTS = 5;
const START_MS = 30_000;
const ANSWER_MS = 5_000;
/** Five quiet seconds after its work a daemon gives memory back, as does the runtime. */
const SETTLE_MS = 15_000;

const LIST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
const NOTHING = { processes: 0, serverBytes: 0, proxyBytes: 0, privateBytes: 0 };

type Door = { readonly target: Target; readonly prefix: string };
type House = {
  readonly doorOf: (server: string) => Door;
  readonly pids: (callers: readonly Caller[]) => readonly number[];
  readonly stop: () => Promise<void>;
};

/** All that could be installed, one after the other. Throws when a server of theirs could not. */
export async function benchHousehold(
  lab: Lab,
  store: Store,
  peersToo: boolean,
): Promise<HouseholdRow[]> {
  // Of a Bun that others run as well, each would have a share that changes as they come and go.
  const bun = join(lab.root, "bin", "bun");
  copyFileSync(process.execPath, bun);
  const servers = Object.entries(await householdServers(lab.root, store));
  const commands = Object.fromEntries(servers.map(([name, [, ...rest]]) => [name, [bun, ...rest]]));
  const live = (name: string, open: () => House): Promise<HouseholdRow> => measure(name, open, bun);
  const rows = [
    await live("direct", () => direct(commands)),
    await live("relay", () => relays(lab, commands)),
  ];
  if (lab.mcpd !== null) rows.push(await live("mcpd", () => own(lab, commands)));
  for (const peer of peersToo ? PEERS : []) {
    const installed = await store.install(peer.package);
    rows.push(
      typeof installed === "string"
        ? { name: peer.name, ...NOTHING, problem: installed }
        : await live(peer.name, () => peers(lab, commands, peer, installed, store.environment)),
    );
  }
  return rows;
}

/** `bun` is what the servers run on, and nothing else does. */
async function measure(name: string, open: () => House, bun: string): Promise<HouseholdRow> {
  console.error(`peers: ${name}, household`);
  const house = open();
  const callers: Caller[] = [];
  try {
    for (let client = 0; client < CLIENTS; client++) {
      for (const server of Object.keys(CALLS)) callers.push(await visit(house, server));
    }
    await Bun.sleep(SETTLE_MS);
    const pids = house.pids(callers);
    const serverBytes = groupBytes(pids.filter((pid) => executableOf(pid) === bun));
    const proxyBytes = groupBytes(pids.filter((pid) => executableOf(pid) !== bun));
    const { privateBytes } = privateMemory(pids);
    return { name, processes: pids.length, serverBytes, proxyBytes, privateBytes, problem: null };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { name, ...NOTHING, problem };
  } finally {
    for (const caller of callers) caller.close();
    await house.stop();
  }
}

/** A client of one server that has seen its tools and called one. Waits until there is one. */
async function visit(house: House, server: string): Promise<Caller> {
  const deadlineMs = performance.now() + START_MS;
  for (;;) {
    const tried = attempt(house, server).catch(String);
    const found = await within("an answer", tried, ANSWER_MS).catch(String);
    if (typeof found !== "string") return found;
    // One that comes too late would stay, and this program with it.
    void tried.then((late) => typeof late === "string" || late.close());
    if (performance.now() > deadlineMs) {
      throw new Error(`${server} was not ready after ${START_MS} ms: ${found}`);
    }
    await Bun.sleep(100);
  }
}

/** What was answered instead, when it was no result of the tool. */
async function attempt({ doorOf }: House, server: string): Promise<Caller | string> {
  const { target, prefix } = doorOf(server);
  const { name, ...rest } = CALLS[server] ?? { name: "" };
  const params = { name: `${prefix}${name}`, ...rest };
  const line = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params });
  const caller = await openCaller(target, true);
  // As every client does: a server whose tools nobody has asked for is smaller than any in use.
  const tools = await caller.call(LIST).catch(String);
  const answer = tools.includes(`"${prefix}${name}"`)
    ? await caller.call(line).catch(String)
    : tools;
  if (answer.includes('"content"')) return caller;
  caller.close();
  return String(answer);
}

/** The five, as they are started; `directory` is what the one of files may see. */
export async function householdServers(directory: string, store: Store): Promise<Upstreams> {
  const fromTree = (["everything", "filesystem", "memory"] as const).map((name) => {
    const { command, args } = realServer(name, ...(name === "filesystem" ? [directory] : []));
    return [name, [command, ...args]] as const;
  });
  const fetched = Object.entries(INSTALLED).map(async ([name, [wanted, bin]]) => {
    const installed = await store.install(wanted);
    if (typeof installed === "string") throw new Error(`${wanted} ${installed}`);
    return [name, [process.execPath, "run", installed.bin(bin)]] as const;
  });
  return Object.fromEntries([...fromTree, ...(await Promise.all(fetched))]);
}

/** As without any of this: each client starts its own. */
function direct(commands: Upstreams): House {
  return {
    doorOf: (server) => ({
      target: { kind: "stdio", command: commands[server] ?? [] },
      prefix: "",
    }),
    pids: (callers) => callers.flatMap(({ pids }) => pids.flatMap(processTree)),
    stop: async () => undefined,
  };
}

function own(lab: Lab, commands: Upstreams): House {
  writeConfig(lab, commands);
  const subject = spawnSubject(lab, "mcpd", freePort(), []);
  const url = subject.url.replace(/\/echo$/, "");
  return {
    doorOf: (server) => ({
      target: { kind: "http", url: `${url}/${server}`, headers: { "x-api-key": apiKey(lab) } },
      prefix: "",
    }),
    pids: () => [...subject.proxyPids(), ...subject.upstreamPids()],
    stop: async () => await subject.stop(),
  };
}

function relays(lab: Lab, commands: Upstreams): House {
  const each = Object.entries(commands).map((entry) => [entry]);
  return several(lab, "relay", lab.environment, each, (port, [entry]) => [
    lab.programs.relay,
    String(port),
    ...(entry?.[1] ?? []),
  ]);
}

function peers(
  lab: Lab,
  commands: Upstreams,
  peer: Peer,
  installed: Installed,
  environment: Environment,
): House {
  const all = Object.entries(commands);
  const groups = peer.many ? [all] : all.map((entry) => [entry]);
  const house = several(lab, peer.name, environment, groups, (port, group, home) =>
    peer.command({ port, home, installed, upstreams: Object.fromEntries(group) }),
  );
  return {
    ...house,
    doorOf(server) {
      const { target } = house.doorOf(server);
      const origin = "url" in target ? new URL(target.url).origin : "";
      const url = `${origin}${peer.path(server)}`;
      return { target: { kind: peer.kind, url, headers: {} }, prefix: peer.prefix(server) };
    },
  };
}

type Entry = [string, readonly string[]];

/** A process for each group of upstreams, all in a home of their own. */
function several(
  lab: Lab,
  name: string,
  environment: Environment,
  groups: readonly (readonly Entry[])[],
  command: (port: number, group: readonly Entry[], home: string) => readonly string[],
): House {
  const home = join(lab.root, "households", name);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const started = groups.map((group) => {
    const port = freePort();
    const child = Bun.spawn([...command(port, group, home)], {
      env: { ...environment, HOME: home, TZ: "UTC" },
      cwd: home,
      stdio: ["ignore", "ignore", "ignore"],
    });
    return { group, port, child };
  });
  return {
    doorOf(server) {
      const found = started.find(({ group }) => group.some(([each]) => each === server));
      const url = `http://127.0.0.1:${found?.port ?? 0}/mcp`;
      return { target: { kind: "http", url, headers: {} }, prefix: "" };
    },
    pids: () => processesOf(home),
    async stop() {
      await Promise.all(started.map(({ child }) => stopTree(child, () => processesOf(home))));
    },
  };
}
