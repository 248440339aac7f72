/**
 * The official SDK clients behind one face: version 1 over Streamable HTTP, HTTP+SSE, WebSocket and
 * `mcpd bridge`, version 2 over Streamable HTTP. What they hear without having asked is kept in
 * `heard`.
 */
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpTransportV2,
} from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

import { program } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import type { Daemon } from "./harness.ts";

export type Kind = "v1 http" | "v1 sse" | "v1 ws" | "v1 bridge" | "v2 http";

export type Heard = {
  readonly method: string;
  readonly params?: { readonly [key: string]: unknown };
};

export type CallOptions = {
  readonly signal?: AbortSignal;
  readonly onprogress?: (note: {
    readonly progress: number;
    readonly total?: number | undefined;
  }) => void;
};

type Arguments = { readonly [name: string]: unknown };

const ABOUT = { name: "official", version: "1.0.0" };

export class Official implements AsyncDisposable {
  /** For everything that both versions call the same. */
  readonly client: ClientV1 | ClientV2;
  readonly heard: Heard[] = [];
  /**
   * Progress as it came over the wire, "1/3". The SDK itself drops a step whose answer arrives in
   * the same chunk, as happens on a busy machine.
   */
  readonly steps: string[] = [];
  readonly #callTool: (name: string, args: Arguments, options: CallOptions) => Promise<unknown>;

  private constructor(client: ClientV1 | ClientV2, callTool: Official["callTool"]) {
    this.client = client;
    this.#callTool = callTool;
    client.fallbackNotificationHandler = async ({ method, params }) => {
      this.heard.push({ method, ...(params === undefined ? {} : { params }) });
    };
  }

  /** Connects to one upstream or, without one, to all. */
  static async connect(daemon: Daemon, kind: Kind, upstream?: string): Promise<Official> {
    const requestInit = { headers: { "x-api-key": daemon.key } };
    const at = upstream === undefined ? "" : `/${upstream}`;
    if (kind === "v2 http") {
      const client = new ClientV2(ABOUT);
      const official = new Official(client, (name, args, options) =>
        client.callTool({ name, arguments: args }, options),
      );
      const transport = new HttpTransportV2(new URL(daemon.urls.mcp + at), { requestInit });
      await client.connect(transport);
      official.#watch(transport);
      return official;
    }
    const client = new ClientV1(ABOUT);
    const official = new Official(client, (name, args, options) =>
      client.callTool({ name, arguments: args }, undefined, options),
    );
    const transport = transportV1(daemon, kind, upstream);
    await client.connect(transport);
    official.#watch(transport);
    return official;
  }

  /** The whole result of a tool. */
  get callTool(): (name: string, args: Arguments, options: CallOptions) => Promise<unknown> {
    return this.#callTool;
  }

  /** The text of the first block of a tool's result. */
  async call(name: string, args: Arguments = {}, options: CallOptions = {}): Promise<string> {
    const result = await this.#callTool(name, args, options);
    const { content } = result as { readonly content: readonly { readonly text?: string }[] };
    return content[0]?.text ?? "";
  }

  /** Resolves when a notification of this method has come. */
  async hears(method: string): Promise<Heard> {
    return await waitFor(method, () => this.heard.find((note) => note.method === method));
  }

  /** Looks at each message before the SDK does. */
  #watch(transport: { onmessage?: ((message: never) => void) | undefined }): void {
    const inner = transport.onmessage;
    transport.onmessage = (message: Heard) => {
      if (message.method === "notifications/progress") {
        this.steps.push(
          `${String(message.params?.["progress"])}/${String(message.params?.["total"])}`,
        );
      }
      inner?.(message as never);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

function transportV1(daemon: Daemon, kind: Kind, upstream: string | undefined): Transport {
  const at = upstream === undefined ? "" : `/${upstream}`;
  const requestInit = { headers: { "x-api-key": daemon.key } };
  switch (kind) {
    case "v1 sse":
      return new SSEClientTransport(new URL(daemon.urls.sse + at), { requestInit });
    case "v1 ws": {
      // As in a browser, headers cannot be set.
      const url = new URL(`/ws${at}?api_key=${daemon.key}`, daemon.origin.replace("http", "ws"));
      return new WebSocketClientTransport(url);
    }
    case "v1 bridge": {
      const args = upstream === undefined ? ["bridge"] : ["bridge", "--server", upstream];
      const { env, path: cwd } = daemon.home;
      return new StdioClientTransport({ command: program(), args, env: { ...env }, cwd });
    }
    default:
      return new StreamableHTTPClientTransport(new URL(daemon.urls.mcp + at), { requestInit });
  }
}
