import type { Fault } from "../../src/core/fault.ts";
import type { Cut, Link } from "../../src/transport/link.ts";
import type { Login, RemoteDeps, RemoteEvents, RemoteTarget } from "../../src/transport/remote.ts";
import { hastyClock } from "../helpers/hand-clock.ts";
import { waitFor } from "../helpers/wait.ts";

type Answer = {
  readonly id?: number;
  readonly method?: string;
  readonly result?: { readonly content?: readonly { readonly text: string }[] };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
};

type Open = (target: RemoteTarget, deps: RemoteDeps, events: RemoteEvents) => Link;

/** A link to a remote upstream and all it says; the test plays the core. */
export class RemoteScene implements AsyncDisposable {
  readonly messages: Answer[] = [];
  readonly noises: string[] = [];
  readonly cuts: Cut[] = [];
  readonly closings: Fault[] = [];
  readonly link: Link;
  #nextId = 1;

  constructor(
    open: Open,
    url: string,
    options: {
      readonly headers?: RemoteTarget["headers"];
      readonly answerBytesMax?: number;
      readonly wire?: RemoteTarget["wire"];
      readonly login?: Login;
    } = {},
  ) {
    const target = {
      upstream: "far",
      wire: options.wire ?? "http",
      shown: url,
      url: new URL(url),
      headers: options.headers ?? {},
    };
    const deps = {
      // Nobody has to wait for the pauses between attempts.
      clock: hastyClock(10),
      random: () => 0.99,
      login: options.login ?? null,
      answerBytesMax: () => options.answerBytesMax ?? 1_000_000,
    };
    this.link = open(target, deps, {
      message: (text) => this.messages.push(JSON.parse(text)),
      noise: (text, cut) => {
        this.noises.push(text);
        if (cut !== undefined) this.cuts.push(cut);
      },
      closed: (problem) => this.closings.push(problem),
    });
  }

  notify(method: string, params: object = {}): boolean {
    return this.link.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  /** Sends a request and returns its id. */
  ask(method: string, params: object = {}): number {
    const id = this.#nextId++;
    this.link.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return id;
  }

  /** Sends a request and resolves with its answer. */
  async request(method: string, params: object = {}): Promise<Answer> {
    const id = this.ask(method, params);
    return await waitFor(`the answer to ${method}`, () =>
      this.messages.find((message) => message.id === id && message.method === undefined),
    );
  }

  async initialize(): Promise<Answer> {
    const about = { name: "test", version: "1" };
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: about };
    const answer = await this.request("initialize", params);
    this.notify("notifications/initialized");
    return answer;
  }

  /** The text of a tool's answer, or the message of its error. */
  async call(name: string, args: object = {}): Promise<string> {
    const { result, error } = await this.request("tools/call", { name, arguments: args });
    return error?.message ?? result?.content?.[0]?.text ?? "";
  }

  async closed(): Promise<Fault> {
    return await waitFor("the link to end", () => this.closings[0]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.link.close({ kind: "local", text: "the test is over" });
    await this.closed();
  }
}
