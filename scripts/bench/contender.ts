/** One of those that are measured beside each other: the bare relay, mcpd, or a peer. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { processesOf } from "../../test/helpers/program.ts";
import { within } from "../../test/helpers/wait.ts";
import type { Environment, Installed } from "../interop/kit.ts";
import type { Lab } from "./lab.ts";
import { openCaller, type Target } from "./load.ts";
import type { Peer, PeerScene } from "./peers.ts";
import { executableOf } from "./process.ts";
import {
  apiKey,
  echoCommand,
  freePort,
  spawnSubject,
  stopTree,
  type SubjectName,
} from "./subject.ts";

/** What has not answered by then is not measured. */
const START_MS = 30_000;

export interface Contender {
  readonly name: string;
  readonly version: string;
  readonly prefix: string;
  /** Starts it; resolves with the time to the first tools/list, in ms. */
  start(): Promise<number>;
  readonly target: Target;
  /** Its own processes, and those of the upstream. */
  proxyPids(): number[];
  upstreamPids(): number[];
  stop(): Promise<void>;
}

/** The relay and mcpd, as in the other sections. */
export function ownContender(lab: Lab, name: SubjectName): Contender {
  const version = name === "relay" ? "" : "this one";
  let subject: ReturnType<typeof spawnSubject> | null = null;
  let target: Target = { kind: "http", url: "", headers: {} };
  return {
    name,
    version,
    prefix: "",
    get target() {
      return target;
    },
    async start() {
      const startMs = performance.now();
      subject = spawnSubject(lab, name, freePort(), lab.proxyCore);
      const { url } = subject;
      await untilListed(() => {
        const headers = name === "mcpd" ? { "x-api-key": apiKey(lab) } : {};
        return (target = { kind: "http", url, headers });
      });
      return performance.now() - startMs;
    },
    proxyPids: () => subject?.proxyPids() ?? [],
    upstreamPids: () => subject?.upstreamPids() ?? [],
    stop: async () => await subject?.stop(),
  };
}

export function peerContender(
  lab: Lab,
  peer: Peer,
  installed: Installed,
  nodeEnvironment: Environment,
): Contender {
  const home = join(lab.root, "peers", peer.name);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const scene = { home, installed, upstreams: { echo: echoCommand(lab) } };
  // A home of its own tells its processes, also those that it leaves behind.
  const environment = { ...nodeEnvironment, HOME: home, TZ: "UTC" };
  const ours = (pid: number): boolean => executableOf(pid) === lab.programs.upstream;
  let child: Bun.Subprocess | null = null;
  let target: Target = { kind: peer.kind, url: "", headers: {} };
  const atPort = (port: number): PeerScene => ({ ...scene, port });
  return {
    name: peer.name,
    version: installed.version,
    prefix: peer.prefix("echo"),
    get target() {
      return target;
    },
    async start() {
      const port = freePort();
      const startMs = performance.now();
      child = Bun.spawn([...lab.proxyCore, ...peer.command(atPort(port))], {
        env: environment,
        cwd: home,
        stdin: "ignore",
        stdout: Bun.file(join(lab.root, `${peer.name}.out`)),
        stderr: Bun.file(join(lab.root, `${peer.name}.err`)),
      });
      target = {
        kind: peer.kind,
        url: `http://127.0.0.1:${port}${peer.path("echo")}`,
        headers: {},
      };
      await untilListed(() => target);
      return performance.now() - startMs;
    },
    proxyPids: () => processesOf(home).filter((pid) => !ours(pid)),
    upstreamPids: () => processesOf(home).filter(ours),
    async stop() {
      if (child !== null) await stopTree(child, () => processesOf(home));
    },
  };
}

/** Resolves with the first tools/list that has the upstream's tool in it. */
async function untilListed(targetOf: () => Target): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  const request = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  let last: unknown = "nothing answered";
  while (performance.now() < deadlineMs) {
    try {
      const asked = openCaller(targetOf(), true).then(async (caller) => {
        const said = (await caller.call(request)).toString();
        caller.close();
        return said;
      });
      const answer = await within("tools/list", asked, deadlineMs - performance.now());
      if (answer.includes('echo"')) return;
      last = answer.slice(0, 200);
    } catch (error) {
      last = error;
    }
    await Bun.sleep(2);
  }
  throw new Error(`it was not ready after ${START_MS} ms: ${String(last)}`);
}
