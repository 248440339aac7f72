/** One call from the command line, the whole process: ours, mcporter's and the Inspector's. */
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { processesOf } from "../../test/helpers/program.ts";
import { type Installed, Store } from "../interop/kit.ts";
import type { Lab } from "./lab.ts";
import { apiKey, echoCommand, startSubject, writeConfig } from "./subject.ts";
import { callsOf, type Command, timeInTurns, type Timing } from "./timings.ts";

const MCPORTER = "mcporter@0.12.3";
const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";

/** Each warm, with a daemon that runs already, and cold, where it starts the server itself. */
export async function benchCommandLines(lab: Lab, runs: number): Promise<Timing[]> {
  if (lab.mcpd === null) return [];
  const store = new Store(process.env["MCPD_PEERS_DIR"] ?? join(tmpdir(), "mcpd-peers"));
  await store.prepare();
  const mcporter = required(await store.install(MCPORTER));
  const inspector = required(await store.install(INSPECTOR));
  writeConfig(lab, { echo: echoCommand(lab) });
  const home = join(lab.root, "command-lines");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const environment = { ...store.environment, HOME: home, TZ: "UTC" };
  const daemon = await startSubject(lab, "mcpd");
  try {
    const others = [
      ...mcporterCalls(lab, mcporter, home),
      ...inspectorCalls(lab, inspector, daemon.url),
    ];
    const commands = [
      ...callsOf(lab.mcpd),
      ...others.map((command): Command => ({ ...command, prints: "hello", environment })),
    ];
    return timeInTurns(lab, commands, runs);
  } finally {
    await daemon.stop();
    // The daemon that mcporter leaves behind, and its server.
    for (const pid of processesOf(home)) process.kill(pid, "SIGKILL");
  }
}

type Call = Pick<Command, "what" | "words">;

function mcporterCalls(lab: Lab, { bin, version }: Installed, home: string): Call[] {
  const [command = "", ...args] = echoCommand(lab);
  return (["keep-alive", "ephemeral"] as const).map((lifecycle) => {
    const file = join(home, `${lifecycle}.json`);
    writeFileSync(file, JSON.stringify({ mcpServers: { echo: { command, args, lifecycle } } }));
    const words = [bin("mcporter"), "--config", file, "call", "echo.echo", "text=hello"];
    return { what: `mcporter ${version} call, ${lifecycle}`, words };
  });
}

function inspectorCalls(lab: Lab, { bin, version }: Installed, url: string): Call[] {
  const http = ["--transport", "http", "--server-url", url];
  const ways = {
    "mcpd's /mcp": [...http, "--header", `Authorization: Bearer ${apiKey(lab)}`],
    "a server of its own": echoCommand(lab),
  };
  const call = ["--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello"];
  return Object.entries(ways).map(([what, way]) => ({
    what: `Inspector ${version} --cli, ${what}`,
    words: [bin("mcp-inspector"), "--cli", ...way, ...call],
  }));
}

function required(installed: Installed | string): Installed {
  if (typeof installed === "string") throw new Error(`Cannot bench: ${installed}`);
  return installed;
}
