import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

import type { Daemon } from "../../test/e2e/harness.ts";
import type { Random } from "../../test/sim/random.ts";

const KINDS = ["elicitation", "sampling", "roots"] as const;
const ACTS = ["ask", "ask", "walk", "tell", "touch", "hang"] as const;

/** What has happened in one round, over all clients. */
export class Ledger {
  readonly counts: { [what: string]: number } = {};
  readonly wrong: string[] = [];
  /** Updates of each client's resource. */
  readonly touches = new Map<string, number>();

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  fail(what: string): void {
    this.wrong.push(what);
  }
}

type Result = { readonly content: readonly { readonly text: string }[] };

/** A client that knows what is its own: every token of it begins with its name. */
export class Witness {
  readonly #name: string;
  readonly #names: readonly string[];
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #client: Client;
  /** Tokens of calls in flight. */
  readonly #open = new Set<string>();
  #heard = 0;
  #calls = 0;

  private constructor(name: string, names: readonly string[], ledger: Ledger, random: Random) {
    this.#name = name;
    this.#names = names;
    this.#ledger = ledger;
    this.#random = random;
    const capabilities = { elicitation: {}, sampling: {}, roots: {} };
    this.#client = new Client({ name: "witness", version: "1.0.0" }, { capabilities });
    this.#answer();
    this.#listen();
  }

  static async connect(
    daemon: Daemon,
    name: string,
    names: readonly string[],
    ledger: Ledger,
    random: Random,
  ): Promise<Witness> {
    const witness = new Witness(name, names, ledger, random);
    const requestInit = { headers: { "x-api-key": daemon.key } };
    const transport: Transport = random.chance(0.3)
      ? new SSEClientTransport(new URL(daemon.urls.sse), { requestInit })
      : new StreamableHTTPClientTransport(new URL(daemon.urls.mcp), { requestInit });
    await witness.#client.connect(transport);
    await witness.#client.setLoggingLevel("debug");
    await witness.#client.subscribeResource({ uri: uriOf(name) });
    return witness;
  }

  /** Whether it has heard of every update of its resource. */
  get upToDate(): boolean {
    return this.#heard === (this.#ledger.touches.get(this.#name) ?? 0);
  }

  /** Makes one call, whatever chance says, and judges what comes of it. */
  async act(): Promise<void> {
    const token = `${this.#name}-${++this.#calls}`;
    const act = this.#random.pick(ACTS);
    this.#ledger.count(act);
    this.#open.add(token);
    try {
      await this.#do(act, token);
    } catch (error) {
      this.#ledger.fail(`${token} ${act}: ${String(error)}`);
    } finally {
      this.#open.delete(token);
    }
  }

  /** How many calls the server works on that nobody waits for any more. */
  async leftovers(): Promise<number> {
    return JSON.parse(await this.#call("report", {})).hanging;
  }

  async end(): Promise<void> {
    await this.#client.close();
  }

  async #do(act: (typeof ACTS)[number], token: string): Promise<void> {
    if (act === "ask") return await this.#ask(token);
    if (act === "hang") return await this.#hang(token);
    if (act === "walk") return await this.#walk(token);
    const target = this.#random.pick(this.#names);
    if (act === "touch") {
      const { touches } = this.#ledger;
      touches.set(target, (touches.get(target) ?? 0) + 1);
    }
    this.#expect(token, await this.#call(act, { token, uri: uriOf(target) }));
  }

  async #ask(token: string): Promise<void> {
    const kind = this.#random.pick(KINDS);
    const { token: got, said } = JSON.parse(await this.#call("ask", { token, kind }));
    this.#expect(token, got);
    if (said.refused !== undefined) return this.#ledger.count("questions refused as ambiguous");
    this.#ledger.count(kind);
    const name = said.content?.name ?? said.content?.text ?? said.roots?.[0]?.name;
    if (name !== this.#name) {
      this.#ledger.fail(`${token}: ${kind} was answered by ${String(name)}`);
    }
  }

  async #walk(token: string): Promise<void> {
    const steps: string[] = [];
    const onprogress = (note: { readonly message?: string | undefined }): void => {
      steps.push(String(note.message));
    };
    this.#expect(token, await this.#call("walk", { token }, { onprogress }));
    if (steps.some((step) => step !== token))
      this.#ledger.fail(`${token}: steps of ${steps.join()}`);
    for (const _step of steps) this.#ledger.count("progress");
  }

  async #hang(token: string): Promise<void> {
    const stop = new AbortController();
    const call = this.#call("hang", { token }, { signal: stop.signal }).then(
      () => this.#ledger.fail(`${token}: was answered`),
      () => undefined,
    );
    await Bun.sleep(this.#random.below(10) + 10);
    stop.abort();
    await call;
  }

  async #call(
    name: string,
    args: { readonly [key: string]: unknown },
    options: object = {},
  ): Promise<string> {
    const call = { name, arguments: { ...args } };
    const result = (await this.#client.callTool(call, undefined, options)) as Result;
    return result.content[0]?.text ?? "";
  }

  #expect(wanted: string, got: string): void {
    if (got !== wanted) this.#ledger.fail(`${wanted}: got ${got}`);
  }

  /** The client's side of a question, a while later, as people are. */
  async #think(kind: string, token: string | null): Promise<void> {
    const own = token === null ? this.#open.size > 0 : this.#open.has(token);
    if (!own) this.#ledger.fail(`${this.#name}: ${kind} of ${token ?? "somebody else"}`);
    await Bun.sleep(this.#random.below(5));
  }

  #answer(): void {
    const name = this.#name;
    this.#client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      await this.#think("elicitation", params.message);
      return { action: "accept", content: { name } };
    });
    this.#client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
      const [message] = params.messages;
      const content = message?.content as { readonly text?: string } | undefined;
      await this.#think("sampling", content?.text ?? "");
      return { model: "none", role: "assistant", content: { type: "text", text: name } };
    });
    this.#client.setRequestHandler(ListRootsRequestSchema, async () => {
      await this.#think("roots", null);
      return { roots: [{ uri: `file:///${name}`, name }] };
    });
  }

  #listen(): void {
    this.#client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      this.#ledger.count("logs");
      const token = String(params.data);
      if (!token.startsWith(`${this.#name}-`)) {
        this.#ledger.fail(`${this.#name}: the log of ${token}`);
      }
    });
    this.#client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      this.#heard++;
      this.#ledger.count("updates");
      if (params.uri !== uriOf(this.#name)) this.#ledger.fail(`${this.#name}: ${params.uri}`);
    });
  }
}

function uriOf(name: string): string {
  return `truth://${name}`;
}
