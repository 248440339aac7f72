/**
 * A model for coding clients that thinks nothing: it calls the one tool that it is there for, hears
 * the answer and ends. It speaks as four providers do, each in its streamed form.
 */
import { randomUUID } from "node:crypto";

/** What the model says when the tool has answered. */
export const DONE = "The tool has answered.";

/** A tool as a client offers it; some put those of a server into a namespace. */
type Tool = { readonly name: string; readonly namespace?: string };

/** What a client sends: every provider has its own keys. */
type Body = {
  readonly tools?: readonly Offer[];
  readonly messages?: readonly Item[];
  readonly input?: readonly Item[];
  readonly contents?: readonly { readonly parts?: readonly Item[] }[];
};
type Offer = {
  readonly type?: string;
  readonly name?: string;
  readonly tools?: readonly Offer[];
  readonly function?: Tool;
  readonly functionDeclarations?: readonly Tool[];
};
type Item = {
  readonly type?: string;
  readonly role?: string;
  readonly content?: string | readonly Item[];
  readonly functionResponse?: object;
};

type Event = { readonly type?: string } & { readonly [key: string]: unknown };

type Provider = {
  readonly path: RegExp;
  readonly tools: (body: Body) => readonly Tool[];
  /** What tools have answered so far. */
  readonly results: (body: Body) => readonly unknown[];
  readonly call: (tool: Tool, input: object) => readonly Event[];
  readonly say: (text: string) => readonly Event[];
};

const ANTHROPIC: Provider = {
  path: /\/v1\/messages$/,
  tools: ({ tools = [] }) => tools.flatMap(named),
  results: ({ messages = [] }) =>
    messages
      .flatMap(({ content }) => (typeof content === "object" ? content : []))
      .filter(({ type }) => type === "tool_result"),
  call: ({ name }, input) =>
    anthropicTurn(
      { type: "tool_use", id: `toolu_${randomUUID()}`, name, input: {} },
      { type: "input_json_delta", partial_json: JSON.stringify(input) },
      "tool_use",
    ),
  say: (text) =>
    anthropicTurn({ type: "text", text: "" }, { type: "text_delta", text }, "end_turn"),
};

function anthropicTurn(block: object, delta: object, reason: string): readonly Event[] {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { id: `msg_${randomUUID()}`, type: "message", role: "assistant", model: "fake" };
  return [
    { type: "message_start", message: { ...message, content: [], stop_reason: null, usage } },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage },
    { type: "message_stop" },
  ];
}

const OPENAI_RESPONSES: Provider = {
  path: /\/v1\/responses$/,
  tools: ({ tools = [] }) =>
    tools.flatMap((offer) => [
      ...named(offer),
      ...(offer.tools ?? [])
        .flatMap(named)
        .map((tool) => ({ ...tool, namespace: offer.name ?? "" })),
    ]),
  results: ({ input = [] }) => input.filter(({ type }) => type === "function_call_output"),
  call: (tool, input) =>
    responsesTurn({
      type: "function_call",
      call_id: `call_${randomUUID()}`,
      ...tool,
      arguments: JSON.stringify(input),
    }),
  say: (text) =>
    responsesTurn({ type: "message", role: "assistant", content: [{ type: "output_text", text }] }),
};

function responsesTurn(item: object): readonly Event[] {
  const id = `resp_${randomUUID()}`;
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  return [
    { type: "response.created", response: { id } },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { id, usage } },
  ];
}

const OPENAI_CHAT: Provider = {
  path: /\/v1\/chat\/completions$/,
  tools: ({ tools = [] }) => tools.flatMap((offer) => offer.function ?? []),
  results: ({ messages = [] }) => messages.filter(({ role }) => role === "tool"),
  call: ({ name }, input) => {
    const call = { name, arguments: JSON.stringify(input) };
    const id = `call_${randomUUID()}`;
    const delta = { tool_calls: [{ index: 0, id, type: "function", function: call }] };
    return chatTurn(delta, "tool_calls");
  },
  say: (text) => chatTurn({ content: text }, "stop"),
};

function chatTurn(delta: object, reason: string): readonly Event[] {
  const chunk = { id: randomUUID(), object: "chat.completion.chunk", created: 1, model: "fake" };
  return [
    { delta: { role: "assistant", ...delta }, finish_reason: null },
    { delta: {}, finish_reason: reason },
  ].map((choice) => ({ ...chunk, choices: [{ index: 0, ...choice }] }));
}

const GEMINI: Provider = {
  path: /:streamGenerateContent$/,
  tools: ({ tools = [] }) => tools.flatMap((offer) => offer.functionDeclarations ?? []),
  results: ({ contents = [] }) =>
    contents.flatMap(({ parts = [] }) => parts.filter((part) => part.functionResponse)),
  call: ({ name }, args) => geminiTurn({ functionCall: { name, args } }),
  say: (text) => geminiTurn({ text }),
};

function geminiTurn(part: object): readonly Event[] {
  const content = { role: "model", parts: [part] };
  return [{ candidates: [{ content, finishReason: "STOP", index: 0 }] }];
}

function named({ type, name }: Offer): readonly Tool[] {
  return name === undefined || type === "namespace" ? [] : [{ name }];
}

const PROVIDERS = [ANTHROPIC, OPENAI_RESPONSES, OPENAI_CHAT, GEMINI];

/** Serves all providers on one free port and notes what passes between client and tool. */
export class FakeModel implements Disposable {
  readonly url: string;
  /** The tools that it has called, under the names that the client gave them. */
  readonly called: string[] = [];
  /** What tools have answered, as the client passed it on. */
  readonly heard: string[] = [];
  readonly #server: Bun.Server<undefined>;
  readonly #tool: RegExp;
  readonly #input: object;

  /** Calls the first tool whose whole name, or its last part, is `tool`. */
  constructor(tool: string, input: object) {
    this.#tool = new RegExp(`(^|_)${tool}$`);
    this.#input = input;
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => await this.#answer(request),
    });
    this.url = this.#server.url.origin;
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const provider = PROVIDERS.find(({ path }) => path.test(pathname));
    if (provider === undefined) return new Response(null, { status: 404 });
    const events = this.#turn(provider, (await request.json()) as Body);
    const lines = events.map((event) => {
      const name = event.type === undefined ? "" : `event: ${event.type}\n`;
      return `${name}data: ${JSON.stringify(event)}\n\n`;
    });
    const end = provider === OPENAI_CHAT ? "data: [DONE]\n\n" : "";
    const headers = { "content-type": "text/event-stream" };
    return new Response(lines.join("") + end, { headers });
  }

  #turn({ tools, results, call, say }: Provider, body: Body): readonly Event[] {
    const heard = results(body);
    if (heard.length > 0) {
      this.heard.push(JSON.stringify(heard));
      return say(DONE);
    }
    const tool = tools(body).find(({ name }) => this.#tool.test(name));
    // Clients also ask for a title, and the like.
    if (tool === undefined) return say("Nothing.");
    this.called.push(`${tool.namespace ?? ""} ${tool.name}`.trim());
    return call(tool, this.#input);
  }
}
