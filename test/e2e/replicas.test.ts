import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { UpstreamStatus } from "../../src/control/api.ts";
import { RemoteServer } from "../fixtures/servers/remote.ts";
import { fixture } from "../helpers/program.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { openTunnel } from "../helpers/tunnel.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { conditionOf, statusOf } from "./status.ts";

// Several of the same behind one name (MISSION D4), with the compiled program.

type Outcome = { readonly text: string | null; readonly unknown: boolean };

/** A daemon with three counting servers, and where they write down what they do. */
async function startCounting(
  directory: string,
  ...words: readonly string[]
): Promise<{ daemon: Daemon; journal: string }> {
  const journal = join(directory, "journal");
  const server = fixture("counting.ts", `--journal=${journal}`, ...words);
  const count = { ...server, replicas: 3, trust_read_only: true };
  return { daemon: await Daemon.start({ mcpServers: { count } }), journal };
}

async function replicasOf(daemon: Daemon, name: string): Promise<readonly UpstreamStatus[]> {
  const status = await statusOf(daemon.home);
  return status?.upstreams.filter((upstream) => upstream.name === name) ?? [];
}

async function allReady(daemon: Daemon, name = "count"): Promise<readonly UpstreamStatus[]> {
  return await waitFor("every replica to be ready", async () => {
    const replicas = await replicasOf(daemon, name);
    return replicas.length > 1 && replicas.every(({ state }) => state === "ready") && replicas;
  });
}

function linesOf(journal: string, kind: string): readonly string[] {
  if (!existsSync(journal)) return [];
  const lines = readFileSync(journal, "utf8").trim().split("\n");
  return lines.flatMap((line) => {
    const [did, id = ""] = line.split(" ");
    return did === kind ? [id] : [];
  });
}

async function outcome(call: Promise<string>): Promise<Outcome> {
  try {
    return { text: await call, unknown: false };
  } catch (error) {
    return { text: null, unknown: String(error).includes("outcome of the request is unknown") };
  }
}

test("a replica is killed under 1,000 reads and writes: no read fails, no write is done twice", async () => {
  using directory = new TemporaryDirectory();
  const started = await startCounting(directory.path, "--delay=20");
  await using daemon = started.daemon;
  const clients = await Promise.all(Array.from({ length: 8 }, () => daemon.connect("count")));
  await clients[0]?.call("who");
  const before = await allReady(daemon);
  const run = async (kind: "write" | "look", index: number): Promise<Outcome> => {
    const client = clients[index % clients.length];
    if (client === undefined) throw new Error("no client");
    return await outcome(client.call(kind, { id: `${kind}-${index}` }));
  };
  const writes: Outcome[] = [];
  const reads: Outcome[] = [];
  for (let start = 0; start < 500; start += 50) {
    const some = Array.from({ length: 50 }, (_, index) => start + index);
    const both = [
      Promise.all(some.map((index) => run("write", index))),
      Promise.all(some.map((index) => run("look", index))),
    ] as const;
    if (start === 200) {
      await waitFor("calls to be under way", () => linesOf(started.journal, "write").length > 205);
      process.kill(before[0]?.pid ?? 0, "SIGKILL");
    }
    writes.push(...(await both[0]));
    reads.push(...(await both[1]));
  }
  expect(reads.map(({ text }) => text)).toEqual(reads.map((_, index) => `look-${index}`));
  const done = linesOf(started.journal, "write");
  expect(new Set(done).size).toBe(done.length);
  for (const [index, { text, unknown }] of writes.entries()) {
    if (text === null) expect({ index, unknown }).toEqual({ index, unknown: true });
    else expect(done).toContain(`write-${index}`);
  }
  // What was in flight at the one that was killed, and nothing else.
  expect(writes.filter(({ unknown }) => unknown).length).toBeLessThan(50);
  const after = await allReady(daemon);
  expect(after.map(({ replica, restarts }) => ({ replica, restarts }))).toEqual([
    { replica: 1, restarts: 1 },
    { replica: 2, restarts: 0 },
    { replica: 3, restarts: 0 },
  ]);
  expect(after.every(({ calls }) => calls > 0)).toBe(true);
  expect((await daemon.run("status")).stdout).toContain("count#3");
  const headers = { "x-api-key": daemon.key, accept: "text/plain" };
  const metrics = await (await fetch(`${daemon.origin}/metrics`, { headers })).text();
  expect(metrics).toContain('mcpd_replica_healthy{upstream="count",replica="count#2"} 1');
});

test("a client stays where it has written, and others are spread", async () => {
  using directory = new TemporaryDirectory();
  const started = await startCounting(directory.path);
  await using daemon = started.daemon;
  const clients = await Promise.all([1, 2, 3].map(() => daemon.connect("count")));
  await clients[0]?.call("look", { id: "first" });
  await allReady(daemon);
  const pids = new Set<string>();
  for (const client of clients) {
    const pid = await client.call("who");
    for (let count = 0; count < 5; count++) expect(await client.call("who")).toBe(pid);
    pids.add(pid);
  }
  expect(pids.size).toBe(3);
});

test("a subscription is heard where it was made, and after its replica was killed", async () => {
  using directory = new TemporaryDirectory();
  const started = await startCounting(directory.path);
  await using daemon = started.daemon;
  const client = await daemon.connect("count");
  await client.request("resources/subscribe", { uri: "count://all" });
  await allReady(daemon);
  const pid = await client.call("who");
  expect(await client.call("touch")).toBe("1");
  process.kill(Number(pid), "SIGKILL");
  await waitFor("another replica to serve", async () => {
    const { text } = await outcome(client.call("who"));
    return text !== null && text !== pid;
  });
  expect(await client.call("touch")).toBe("1");
  // Nobody else has it as well: each update is told once.
  await allReady(daemon);
  const others = await Promise.all([1, 2].map(() => daemon.connect("count")));
  for (const other of others) expect(await other.call("touch")).toBe("0");
});

test("one slow replica gets fewer requests", async () => {
  using directory = new TemporaryDirectory();
  const odd = join(directory.path, "odd");
  const started = await startCounting(directory.path, `--odd=${odd}`, "--odd-delay=400");
  await using daemon = started.daemon;
  const client = await daemon.connect("count");
  // Until the lists are known nothing is known to be a read; and who listed stays where it did.
  await (await daemon.connect("count")).request("tools/list");
  await allReady(daemon);
  await client.call("look", { id: "first" });
  const startMs = performance.now();
  // Four at a time: one of them soon sits at the slow one, and the rest goes around it.
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < 120) await client.call("look", { id: String(next++) });
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  expect(performance.now() - startMs).toBeLessThan(4_000);
  const calls = (await replicasOf(daemon, "count")).map((replica) => replica.calls);
  expect(Math.min(...calls)).toBeLessThan(20);
  expect(calls.reduce((sum, count) => sum + count, 0)).toBe(122);
});

test("with late reads sent twice, nobody waits for the slow replica", async () => {
  using directory = new TemporaryDirectory();
  const journal = join(directory.path, "journal");
  const odd = join(directory.path, "odd");
  const words = [`--journal=${journal}`, `--odd=${odd}`, "--odd-delay=5000"];
  const count = { ...fixture("counting.ts", ...words), replicas: 2 };
  const settings = { trust_read_only: true, hedge_reads_secs: 0.2 };
  await using daemon = await Daemon.start({ mcpServers: { count: { ...count, ...settings } } });
  const client = await daemon.connect("count");
  await client.request("tools/list");
  await allReady(daemon);
  const readers = await Promise.all([1, 2, 3, 4].map(() => daemon.connect("count")));
  const startMs = performance.now();
  const ids = await Promise.all(readers.map((reader, at) => reader.call("look", { id: `${at}` })));
  expect(ids).toEqual(["0", "1", "2", "3"]);
  expect(performance.now() - startMs).toBeLessThan(4_000);
  expect(linesOf(journal, "look").length).toBeGreaterThan(4);
});

test("one replica more in the config leaves the others and what they are doing alone", async () => {
  using directory = new TemporaryDirectory();
  const started = await startCounting(directory.path, "--delay=1500");
  await using daemon = started.daemon;
  const client = await daemon.connect("count");
  const pid = Number(await client.call("who"));
  const before = (await allReady(daemon)).map((replica) => replica.pid);
  const writing = client.call("write", { id: "meanwhile" });
  await waitFor("the write", () => linesOf(started.journal, "write").length === 1);
  const server = fixture("counting.ts", `--journal=${started.journal}`, "--delay=1500");
  const entry = (replicas: number): object => ({ ...server, replicas, trust_read_only: true });
  daemon.home.writeConfig({ mcpServers: { count: entry(4) } });
  const more = await waitFor("the fourth", async () => {
    const replicas = await replicasOf(daemon, "count");
    return replicas.length === 4 && replicas.every(({ state }) => state === "ready") && replicas;
  });
  expect(more.slice(0, 3).map((replica) => replica.pid)).toEqual(before);
  daemon.home.writeConfig({ mcpServers: { count: entry(2) } });
  await waitFor("two", async () => (await replicasOf(daemon, "count")).length === 2);
  expect((await replicasOf(daemon, "count")).map((one) => one.pid)).toEqual(before.slice(0, 2));
  expect(before).toContain(pid);
  expect(await writing).toBe("meanwhile");
});

test("what ran alone goes on as the first of three with its clients, and alone again", async () => {
  using directory = new TemporaryDirectory();
  const journal = join(directory.path, "journal");
  const server = fixture("counting.ts", `--journal=${journal}`, "--delay=1500");
  const entry = (replicas: number): object => ({ mcpServers: { count: { ...server, replicas } } });
  await using daemon = await Daemon.start(entry(1));
  const client = await daemon.connect("count");
  await client.request("resources/subscribe", { uri: "count://all" });
  const pid = await client.call("who");
  const writing = client.call("write", { id: "meanwhile" });
  await waitFor("the write", () => linesOf(journal, "write").length === 1);
  daemon.home.writeConfig(entry(3));
  const pids = (await allReady(daemon)).map((replica) => String(replica.pid));
  expect([pids.length, pids[0]]).toEqual([3, pid]);
  expect(await writing).toBe("meanwhile");
  const others = await Promise.all([1, 2].map(() => daemon.connect("count")));
  for (const other of others) expect(pids.slice(1)).toContain(await other.call("who"));
  expect(await client.call("who")).toBe(pid);
  expect(await client.call("touch")).toBe("1");
  daemon.home.writeConfig(entry(1));
  await waitFor("one", async () => (await replicasOf(daemon, "count")).length === 1);
  for (const each of [client, ...others]) expect(await each.call("who")).toBe(pid);
});

test("lists that differ are a condition; the first replica that can speak is believed", async () => {
  using directory = new TemporaryDirectory();
  const started = await startCounting(directory.path, `--odd=${join(directory.path, "odd")}`);
  await using daemon = started.daemon;
  const client = await daemon.connect();
  await client.request("tools/list");
  await allReady(daemon);
  const condition = await conditionOf(daemon.home, "upstream.replicas");
  expect(condition).toMatchObject({ subject: "count", severity: "warning" });
  expect(condition.text).toContain("tools of count#");
  const first = (await replicasOf(daemon, "count"))[0];
  const { response } = await client.request("tools/list");
  const tools = response.result?.["tools"] as readonly { readonly name: string }[];
  expect(tools.some(({ name }) => name === "odd")).toBe(first?.tools === 5);
});

test("a replica that hangs is found out by a list call: its reads go to another", async () => {
  using directory = new TemporaryDirectory();
  const started = await startCounting(directory.path);
  await using daemon = started.daemon;
  const client = await daemon.connect("count");
  const pid = Number(await client.call("who"));
  await allReady(daemon);
  process.kill(pid, "SIGSTOP");
  try {
    expect(await client.call("look", { id: "hangs" })).toBe("hangs");
    const replicas = await replicasOf(daemon, "count");
    expect(replicas.find((replica) => replica.pid === pid)?.trusted).toBe(false);
    expect(await client.call("write", { id: "elsewhere" })).toBe("elsewhere");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await waitFor("the replica to be trusted again", async () =>
    (await replicasOf(daemon, "count")).every(({ trusted }) => trusted),
  );
}, 30_000);

test("of two addresses one is cut off: what is asked goes to the other", async () => {
  using near = new RemoteServer();
  using far = new RemoteServer();
  using tunnel = await openTunnel(far.port);
  const urls = [`http://127.0.0.1:${tunnel.port}/mcp`, near.url];
  await using daemon = await Daemon.start({ mcpServers: { away: { urls } } });
  const client = await daemon.connect("away");
  await client.call("count");
  await allReady(daemon, "away");
  expect(far.counted + near.counted).toBe(1);
  const others = await Promise.all([1, 2, 3, 4].map(() => daemon.connect("away")));
  for (const other of others) await other.call("count");
  expect(far.counted).toBeGreaterThan(0);
  const [farBefore, nearBefore] = [far.counted, near.counted];
  tunnel[Symbol.dispose]();
  // The connections are gone: a call that could not be delivered goes to the other address.
  for (const other of [client, ...others]) await other.call("count");
  expect([far.counted, near.counted]).toEqual([farBefore, nearBefore + 5]);
  for (const other of others) expect(await other.request("tools/list")).toBeDefined();
  const shown = await replicasOf(daemon, "away");
  expect(shown.map(({ reach }) => reach)).toEqual(urls);
});
