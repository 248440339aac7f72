/** The clients of the chaos: the official SDK over every wire, and the command line. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

import type { Home } from "../../test/e2e/harness.ts";
import { program } from "../../test/helpers/program.ts";
import { within } from "../../test/helpers/wait.ts";
import { LastingSocket } from "./lasting-socket.ts";
import type { Outcome } from "./ledger.ts";
import { outcomeOfError, outcomeOfFault } from "./outcome.ts";

export type Wire = "http" | "sse" | "ws" | "bridge" | "call";

/** Where the daemon is, whichever runs just now. */
export type Door = { readonly home: Home; readonly port: number; readonly key: string };

/** One write, and how long the server works on it before and after it. */
export type Write = { readonly id: string; readonly beforeMs: number; readonly afterMs: number };

export interface Writer {
  readonly wire: Wire;
  readonly upstream: string;
  write(write: Write): Promise<Outcome>;
  /** Reads a resource whose text is `token`; throws when it got another one. */
  read(token: string): Promise<Outcome>;
  /** How often it had to connect again. */
  readonly reconnects: number;
  close(): Promise<void>;
}

/** Longer than mcpd takes for anything: who waits so long has not been answered. */
const OWN_TIMEOUT_MS = 15_000;
const CONNECT_MS = 15_000;

const DONE: Outcome = { kind: "done", why: "answered" };

export async function openWriter(door: Door, wire: Wire, upstream: string): Promise<Writer> {
  if (wire === "call") return new CommandWriter(door, upstream);
  const writer = new SdkWriter(door, wire, upstream);
  await writer.connect();
  return writer;
}

class SdkWriter implements Writer {
  readonly wire: Exclude<Wire, "call">;
  readonly upstream: string;
  reconnects = -1;
  readonly #door: Door;
  #client: Client | null = null;
  #connecting: Promise<Client> | null = null;
  #closed = false;

  constructor(door: Door, wire: Exclude<Wire, "call">, upstream: string) {
    this.#door = door;
    this.wire = wire;
    this.upstream = upstream;
  }

  /** The connection; one that has broken is made anew. */
  async connect(): Promise<Client> {
    if (this.#client !== null) return this.#client;
    this.#connecting ??= this.#open().finally(() => (this.#connecting = null));
    return await this.#connecting;
  }

  async write({ id, ...pace }: Write): Promise<Outcome> {
    const call = { name: "write", arguments: { id, ...pace } };
    return await this.#ask(async (client) => {
      const result = await client.callTool(call, undefined, { timeout: OWN_TIMEOUT_MS });
      const [first] = result.content as readonly { readonly text?: string }[];
      if (first?.text !== `wrote ${id}`) throw new WrongAnswer(id, JSON.stringify(result));
    });
  }

  async read(token: string): Promise<Outcome> {
    const uri = `count://${token}`;
    return await this.#ask(async (client) => {
      const { contents } = await client.readResource({ uri }, { timeout: OWN_TIMEOUT_MS });
      const [first] = contents as readonly { readonly text?: string }[];
      if (first?.text !== uri) throw new WrongAnswer(uri, JSON.stringify(contents));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.close().catch(() => undefined);
  }

  async #ask(request: (client: Client) => Promise<void>): Promise<Outcome> {
    const client = await this.connect().catch(() => null);
    if (client === null) return { kind: "refused", why: "cannot connect" };
    try {
      await request(client);
      return DONE;
    } catch (error) {
      if (error instanceof WrongAnswer) throw error;
      const outcome = outcomeOfError(error);
      return outcome;
    }
  }

  async #open(): Promise<Client> {
    const client = new Client({ name: `chaos-${this.wire}`, version: "1.0.0" });
    const transport = transportOf(this.#door, this.wire, this.upstream);
    await within("a connection", client.connect(transport), CONNECT_MS).catch((error: unknown) => {
      void client.close().catch(() => undefined);
      throw error;
    });
    this.#client = client;
    this.reconnects++;
    client.onclose = () => {
      if (!this.#closed && this.#client === client) this.#client = null;
    };
    return client;
  }
}

/** `mcpd call`, a process for each. */
class CommandWriter implements Writer {
  readonly wire = "call";
  readonly upstream: string;
  readonly reconnects = 0;
  readonly #door: Door;

  constructor(door: Door, upstream: string) {
    this.#door = door;
    this.upstream = upstream;
  }

  async write(write: Write): Promise<Outcome> {
    const call = ["call", this.upstream, "write", JSON.stringify(write), "--json"];
    const { exitCode, stdout, stderr } = await this.#door.home.run(...call);
    if (exitCode === 0) {
      if (!stdout.includes(`wrote ${write.id}`)) throw new WrongAnswer(write.id, stdout);
      return DONE;
    }
    const code = /"code":\s*"([a-z.-]+)"/.exec(stdout)?.[1];
    if (code === undefined) throw new WrongAnswer(write.id, `${exitCode} ${stdout}${stderr}`);
    return outcomeOfFault(code);
  }

  async read(): Promise<Outcome> {
    const { exitCode, stdout } = await this.#door.home.run("servers", "list", "--json");
    if (exitCode === 0 && !stdout.includes(this.upstream)) {
      throw new WrongAnswer("servers", stdout);
    }
    return exitCode === 0 ? DONE : { kind: "refused", why: `exit code ${exitCode}` };
  }

  async close(): Promise<void> {
    // Every process of it has ended.
  }
}

/** Somebody else's answer, or none at all. */
class WrongAnswer extends Error {
  constructor(wanted: string, got: string) {
    super(`${wanted} was answered with ${got.slice(0, 300)}`);
    this.name = "WrongAnswer";
  }
}

function transportOf(door: Door, wire: Exclude<Wire, "call">, upstream: string): Transport {
  const { home, port, key } = door;
  const requestInit = { headers: { "x-api-key": key } };
  const origin = `127.0.0.1:${port}`;
  if (wire === "bridge") {
    const args = ["bridge", "--server", upstream];
    return new StdioClientTransport({
      command: program(),
      args,
      env: { ...home.env },
      cwd: home.path,
      stderr: "ignore",
    });
  }
  if (wire === "ws") {
    return new LastingSocket(`ws://${origin}/ws/${upstream}`, key);
  }
  if (wire === "sse") {
    const url = new URL(`http://${origin}/sse/${upstream}`);
    return new SSEClientTransport(url, { requestInit, fetch: fetchOnce });
  }
  return new StreamableHTTPClientTransport(new URL(`http://${origin}/mcp/${upstream}`), {
    requestInit,
    fetch: fetchOnce,
    reconnectionOptions: {
      initialReconnectionDelay: 50,
      maxReconnectionDelay: 500,
      reconnectionDelayGrowFactor: 1.5,
      maxRetries: 1000,
    },
  });
}

/**
 * A connection for each request: on one that is kept, Bun sends a request again by itself, and a
 * write that was doubled by its own client would be blamed on mcpd.
 */
function fetchOnce(url: string | URL, init?: RequestInit): Promise<Response> {
  return fetch(url, { ...init, keepalive: false });
}
