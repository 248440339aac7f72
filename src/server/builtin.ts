import { decode, isMalformed } from "../core/decode.ts";
import { LEGACY_LATEST } from "../core/era.ts";
import { type Fault, fault } from "../core/fault.ts";
import { encode, type Params, type Request, type RequestId, responseTo } from "../core/message.ts";
import { failedCall } from "../core/own-tools.ts";
import { reasonOf } from "../lib/files.ts";
import { VERSION } from "../version.ts";
import type { Instance, InstanceEvents } from "./instance.ts";

/** A tool that mcpd itself offers. */
export type BuiltinTool = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Params;
  /** Returns the structured content, or throws a FaultError. */
  readonly run: (input: Params) => Promise<object> | object;
};

/**
 * The upstream "mcpd": an MCP server inside the process, so that a client can ask about the daemon
 * in the same way as about anything else. It speaks the legacy era like any stdio upstream.
 */
export class BuiltinInstance implements Instance {
  readonly pid = process.pid;
  readonly restarts = 0;
  state: Instance["state"] = "idle";
  readySinceMs: number | null = null;
  readonly #tools: readonly BuiltinTool[];
  readonly #now: () => number;
  readonly #events: InstanceEvents;

  constructor(
    options: {
      readonly tools: readonly BuiltinTool[];
      /** Monotonic milliseconds. */
      readonly now: () => number;
    },
    events: InstanceEvents,
  ) {
    this.#tools = options.tools;
    this.#now = options.now;
    this.#events = events;
  }

  demand(): void {
    if (this.state !== "idle") return;
    this.state = "starting";
    this.#events.opened();
  }

  hurry(): void {}

  ready(): void {
    this.state = "ready";
    this.readySinceMs = this.#now();
  }

  refuse(): void {
    this.state = "failed";
  }

  configure(): void {}

  rest(): void {}

  send(text: string): boolean {
    const message = decode(text);
    if (isMalformed(message) || message.kind !== "request") return true;
    this.#answer(message);
    return true;
  }

  stop(): Promise<void> {
    this.state = "idle";
    return Promise.resolve();
  }

  #answer({ id, method, params }: Request): void {
    if (method !== "tools/call") return this.#reply(id, this.#describe(method));
    void this.#call(params ?? {}).then((result) => this.#reply(id, result));
  }

  #reply(id: RequestId, result: Params | Fault): void {
    this.#events.message(encode(responseTo(id, result)));
  }

  #describe(method: string): Params | Fault {
    switch (method) {
      case "initialize":
        return {
          protocolVersion: LEGACY_LATEST,
          capabilities: { tools: {} },
          serverInfo: { name: "mcpd", title: "mcpd", version: VERSION },
          instructions:
            "mcpd runs the user's MCP servers. list_upstreams shows them and their problems; " +
            "search_tools finds a tool by words, describe_tool shows its input schema.",
        };
      case "ping":
        return {};
      case "tools/list":
        return { tools: this.#tools.map(({ run: _run, ...tool }) => withHints(tool)) };
      default:
        return fault("method.unknown", `Method not found: ${method}`);
    }
  }

  async #call({ name, arguments: input }: Params): Promise<Params | Fault> {
    const tool = this.#tools.find((candidate) => candidate.name === name);
    if (tool === undefined) return fault("tool.unknown", `Unknown tool: ${String(name)}`);
    try {
      const structuredContent = await tool.run((input ?? {}) as Params);
      const text = JSON.stringify(structuredContent, null, 2);
      return { content: [{ type: "text", text }], structuredContent };
    } catch (error) {
      return failedCall(reasonOf(error));
    }
  }
}

/** Every tool of mcpd only looks: clients may call it without asking. */
function withHints(tool: Omit<BuiltinTool, "run">): Params {
  const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };
  return { ...tool, annotations };
}
