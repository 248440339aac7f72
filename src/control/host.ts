import * as v from "valibot";

import { decode, isMalformed } from "../core/decode.ts";
import { type Fault, fault, FaultError } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, type Params, type Request, type RequestId, responseTo } from "../core/message.ts";
import { didYouMean } from "../core/spelling.ts";
import type { ControlApi, ControlMethod, Elicitation, ProgressNote, Reply } from "./api.ts";

/** What a handler knows about the request it answers. */
export type ControlContext = {
  /** Aborted by "mcpd/cancel" and when the connection ends. */
  readonly signal: AbortSignal;
  /** Tells the asking side how far it is; without effect once the request is answered. */
  progress(note: Omit<ProgressNote, "id">): void;
  /** Asks the asking side something; without an answer once the request is answered. */
  ask(asked: Elicitation): Promise<Reply>;
};

type Handler<M extends ControlMethod> = (
  params: ControlApi[M]["params"],
  context: ControlContext,
) => Answer<M> | Promise<Answer<M>>;

type Answer<M extends ControlMethod> = ControlApi[M]["result"] | Fault;

/** What concerns the connection itself, not the program. */
type OwnMethod = "mcpd/cancel" | "mcpd/answer" | "mcpd/attach";

/** A request that is being answered. */
type Job = {
  readonly controller: AbortController;
  /** What it asks, by number. */
  readonly questions: Map<number, (reply: Reply) => void>;
};

/** The program's answers, one per method. */
export type ControlHandlers = {
  readonly [M in Exclude<ControlMethod, OwnMethod>]: Handler<M>;
};

export type Attachment = ControlApi["mcpd/attach"]["params"];

/** Where a connection's lines go. */
export type ControlOutlets = {
  /** One message to the client, without a newline. */
  send(text: string): void;
  /** A message that is not ours: it belongs to the MCP session of the connection. */
  mcp(text: string): void;
  /** Chooses what that session sees; the fault says why it cannot. */
  attach(attachment: Attachment): Fault | null;
};

const SEARCH = {
  upstream: v.exactOptional(v.string()),
  search: v.exactOptional(v.string()),
  project: v.exactOptional(v.string()),
};

const AIM = {
  upstream: v.exactOptional(v.string()),
  timeoutMs: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  project: v.exactOptional(v.string()),
};

const NAME = v.pipe(v.string(), v.nonEmpty());
const TEXTS = v.record(v.string(), v.string());

/** The params of each method. Unknown members are left out, so that a newer CLI still works. */
const PARAMS: { readonly [M in ControlMethod]: v.GenericSchema<unknown, ControlApi[M]["params"]> } =
  {
    "mcpd/status": v.object({ measure: v.exactOptional(v.boolean()) }),
    "mcpd/tools": v.object(SEARCH),
    "mcpd/prompts": v.object(SEARCH),
    "mcpd/resources": v.object(SEARCH),
    "mcpd/call": v.object({
      ...AIM,
      tool: NAME,
      arguments: v.record(v.string(), v.unknown()),
      texts: v.exactOptional(TEXTS),
      answers: v.exactOptional(v.boolean()),
    }),
    "mcpd/read": v.object({ ...AIM, uri: NAME }),
    "mcpd/prompt": v.object({ ...AIM, prompt: NAME, arguments: TEXTS }),
    "mcpd/suggest": v.object({
      ...AIM,
      of: v.union([v.object({ prompt: NAME }), v.object({ resource: NAME })]),
      argument: NAME,
      value: v.string(),
      others: v.exactOptional(TEXTS),
    }),
    "mcpd/cancel": v.object({ id: v.number() }),
    "mcpd/answer": v.object({
      id: v.number(),
      question: v.number(),
      reply: v.object({
        action: v.picklist(["accept", "decline", "cancel"]),
        content: v.exactOptional(v.record(v.string(), v.unknown())),
      }),
    }),
    "mcpd/attach": v.object({
      upstream: v.exactOptional(v.string()),
      project: v.exactOptional(v.string()),
    }),
    "mcpd/cache": v.object({
      forget: v.exactOptional(v.boolean()),
      upstream: v.exactOptional(v.string()),
    }),
    "mcpd/apply": v.object({}),
  };

const OURS = '"mcpd/';

/** One connection of the private socket: control methods are answered here, the rest is MCP. */
export class ControlHost {
  readonly #handlers: ControlHandlers;
  readonly #outlets: ControlOutlets;
  readonly #inFlight = new Map<RequestId, Job>();

  constructor(handlers: ControlHandlers, outlets: ControlOutlets) {
    this.#handlers = handlers;
    this.#outlets = outlets;
  }

  /** Takes one line of the connection. */
  receive(text: string): void {
    // MCP traffic is not parsed twice: without these characters it cannot be one of our methods.
    if (!text.includes(OURS)) return this.#outlets.mcp(text);
    const message = decode(text);
    if (isMalformed(message) || message.kind === "response") return this.#outlets.mcp(text);
    if (!message.method.startsWith("mcpd/")) return this.#outlets.mcp(text);
    if (message.kind === "request") this.#request(message);
  }

  /** The connection has ended: whatever it asked for is given up. */
  close(): void {
    for (const { controller } of this.#inFlight.values()) controller.abort();
    this.#inFlight.clear();
  }

  #request(request: Request): void {
    const { id, method } = request;
    if (!isControlMethod(method)) return this.#reply(id, unknownMethod(method));
    const parsed = v.safeParse(PARAMS[method], request.params ?? {});
    if (!parsed.success) return this.#reply(id, invalidParams(method, parsed.issues));
    if (method === "mcpd/cancel") {
      const { id: target } = parsed.output as ControlApi["mcpd/cancel"]["params"];
      const cancelled = this.#inFlight.get(target);
      cancelled?.controller.abort();
      return this.#reply(id, { cancelled: cancelled !== undefined });
    }
    if (method === "mcpd/answer") {
      const { id: target, question, reply } = parsed.output as ControlApi["mcpd/answer"]["params"];
      this.#inFlight.get(target)?.questions.get(question)?.(reply);
      return this.#reply(id, {});
    }
    if (method === "mcpd/attach") {
      return this.#reply(id, this.#outlets.attach(parsed.output as Attachment) ?? {});
    }
    if (this.#inFlight.has(id)) return this.#reply(id, fault("message.duplicate-id"));
    if (this.#inFlight.size >= LIMITS.inFlightPerSession) {
      return this.#reply(id, fault("session.busy"));
    }
    void this.#answer(id, method, parsed.output);
  }

  /** A handler that throws anything but a fault has a bug, which must not stay hidden. */
  async #answer(
    id: RequestId,
    method: Exclude<ControlMethod, OwnMethod>,
    params: ControlApi[ControlMethod]["params"],
  ): Promise<void> {
    const job: Job = { controller: new AbortController(), questions: new Map() };
    this.#inFlight.set(id, job);
    const tell = (about: string, note: Params): void => {
      if (this.#inFlight.get(id) !== job) return;
      this.#send(encode({ kind: "notification", method: about, params: { ...note, id } }));
    };
    const context: ControlContext = {
      signal: job.controller.signal,
      progress: (note) => tell("mcpd/progress", note),
      ask: (asked) =>
        new Promise((resolve) => {
          const question = job.questions.size + 1;
          job.questions.set(question, resolve);
          tell("mcpd/question", { question, asked });
        }),
    };
    const handler = this.#handlers[method] as Handler<ControlMethod>;
    const answer = await settled(() => handler(params as never, context));
    if (this.#inFlight.get(id) !== job) return;
    this.#inFlight.delete(id);
    this.#reply(id, answer);
  }

  #reply(id: RequestId, answer: unknown): void {
    this.#send(encode(responseTo(id, answer)));
  }

  #send(text: string): void {
    this.#outlets.send(text);
  }
}

async function settled<T>(action: () => T | Promise<T>): Promise<T | Fault> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
}

function isControlMethod(method: string): method is ControlMethod {
  return Object.hasOwn(PARAMS, method);
}

function unknownMethod(method: string): Fault {
  const hint =
    didYouMean(method, Object.keys(PARAMS)) || `. Known: ${Object.keys(PARAMS).join(", ")}`;
  return fault("method.unknown", `Unknown control method "${method}"${hint}`, method);
}

function invalidParams(method: string, issues: readonly v.BaseIssue<unknown>[]): Fault {
  const [issue] = issues;
  const where = issue === undefined ? "params" : (v.getDotPath(issue) ?? "params");
  const why = issue?.message ?? "invalid";
  return fault("params.invalid", `Wrong params of "${method}": ${where}: ${why}`, method);
}
