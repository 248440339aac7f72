import { decodeBatch, isMalformed } from "../core/decode.ts";
import { isObject, META, metaOf } from "../core/envelope.ts";
import { type Fault, fault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import {
  encode,
  faultResponse,
  type Notification,
  type Params,
  type Request,
} from "../core/message.ts";
import type { Head } from "./head.ts";

/** What may be asked again: it reads, or it says once more what was said before. */
const REPEATABLE: ReadonlySet<string> = new Set([
  "initialize",
  "server/discover",
  "ping",
  "tools/list",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "subscriptions/listen",
  "completion/complete",
  "logging/setLevel",
]);

const LISTS = ["tools", "prompts", "resources"] as const;

/** An id as JSON text. */
type Key = string;

/** What to do with a line of the daemon; "refuse" answers a question in the client's name. */
export type Verdict = "pass" | "drop" | "refuse";

/**
 * What a bridge has to know of a conversation in order to carry it over to another daemon: how it
 * was opened, what it asked to be told, and what is in flight either way.
 */
export class Conversation {
  #initialize: { readonly key: Key; readonly text: string } | null = null;
  #initialized: string | null = null;
  #level: string | null = null;
  readonly #subscriptions = new Map<string, string>();
  /** The lists whose changes the server said it would tell. */
  #changing: readonly string[] = [];
  /** The lists each subscription of a modern client is told about, once a daemon has agreed. */
  readonly #listening = new Map<Key, readonly string[]>();
  /** The client's requests in flight: what to send again, or null for what must not be repeated. */
  readonly #open = new Map<Key, string | null>();
  /** The daemon's questions that the client has not answered. */
  readonly #asked = new Set<Key>();
  /** Questions of a daemon that is gone: an answer to one must not reach its successor. */
  readonly #stale = new Set<Key>();
  /** What was said again to a new daemon: the client has had its answer. */
  readonly #echoes = new Set<Key>();

  /** Whether the client waits for an answer. */
  get waiting(): boolean {
    return this.#open.size > 0;
  }

  /** Notes a line of the client that is about to be sent; false when it must not be. */
  sends(text: string): boolean {
    const messages = decodeBatch(text).filter((message) => !isMalformed(message));
    const alone = messages.length === 1;
    for (const message of messages) {
      if (message.kind === "request") this.#request(message, alone ? text : null);
      else if (message.kind === "notification") this.#notice(message, text);
      else if (message.id !== null && !this.#answers(JSON.stringify(message.id))) return !alone;
    }
    return true;
  }

  /** Notes a line of the daemon and says whether the client gets it. */
  hears(head: Head, line: Uint8Array): Verdict {
    if (head.kind === "response") return this.#settles(head.id, line);
    if (head.kind === "request" && head.id !== null) {
      if (this.#stale.has(head.id)) return "refuse";
      this.#asked.add(head.id);
    } else if (head.method === "notifications/cancelled") {
      this.#asked.delete(keyOf(paramsOf(line)?.["requestId"]));
    } else if (head.method === "notifications/subscriptions/acknowledged") {
      return this.#agrees(paramsOf(line));
    }
    return "pass";
  }

  /** The daemon is gone. What the client is told at once; what may be repeated stays open. */
  lost(): readonly string[] {
    const told: string[] = [];
    const problem = fault("daemon.lost");
    for (const [key, text] of this.#open) {
      if (text === null) told.push(this.#refusal(key, problem));
    }
    for (const key of this.#asked) {
      const params = { requestId: JSON.parse(key), reason: "The daemon went away" };
      told.push(encode({ kind: "notification", method: "notifications/cancelled", params }));
      this.#stale.add(key);
    }
    this.#asked.clear();
    this.#echoes.clear();
    return told;
  }

  /** Answers what is open, because no daemon will. */
  abandon(problem: Fault): readonly string[] {
    return [...this.#open.keys()].map((key) => this.#refusal(key, problem));
  }

  /**
   * The `initialize` that opens the conversation at a new daemon, whose answer is for the bridge;
   * null when the client has not been answered yet, or needs none.
   */
  get opening(): { readonly key: string; readonly text: string } | null {
    return this.#initialize !== null && !this.#open.has(this.#initialize.key)
      ? this.#initialize
      : null;
  }

  /** What follows the opening at a new daemon: the state of the session, then what is open. */
  repeats(): readonly string[] {
    const again: string[] = [];
    if (this.opening !== null) {
      const state = [this.#level, ...this.#subscriptions.values()].filter((text) => text !== null);
      for (const text of state) {
        const [message] = decodeBatch(text);
        const key = message?.kind === "request" ? JSON.stringify(message.id) : "";
        if (this.#open.has(key)) continue;
        this.#echoes.add(key);
        again.push(text);
      }
      if (this.#initialized !== null) again.unshift(this.#initialized);
    }
    for (const text of this.#open.values()) if (text !== null) again.push(text);
    return again;
  }

  /** What the client is told once it has another daemon: its lists may be old. */
  news(): readonly string[] {
    const told = this.#changing.map((list) => changed(list, undefined));
    for (const [key, lists] of this.#listening) {
      const _meta = { [META.subscription]: JSON.parse(key) };
      told.push(...lists.map((list) => changed(list, { _meta })));
    }
    return told;
  }

  /** The client hears once that its subscription stands, whichever daemon it stands at. */
  #agrees(params: Params | undefined): Verdict {
    const key = keyOf(metaOf(params)?.[META.subscription]);
    const agreed = params?.["notifications"];
    const known = this.#listening.has(key);
    this.#listening.set(
      key,
      LISTS.filter((list) => isObject(agreed) && agreed[`${list}ListChanged`] === true),
    );
    return known ? "drop" : "pass";
  }

  #request({ id, method, params }: Request, text: string | null): void {
    const key = JSON.stringify(id);
    const kept =
      REPEATABLE.has(method) && text !== null && text.length <= LIMITS.bridgeRepeatLength;
    this.#open.set(key, kept ? text : null);
    if (text === null) return;
    const uri = String(params?.["uri"]);
    if (method === "initialize") this.#initialize = { key, text };
    else if (method === "logging/setLevel") this.#level = text;
    else if (method === "resources/unsubscribe") this.#subscriptions.delete(uri);
    else if (method === "resources/subscribe" && kept) this.#subscribe(uri, text);
  }

  #subscribe(uri: string, text: string): void {
    if (this.#subscriptions.size >= LIMITS.subscriptionsPerSession) return;
    this.#subscriptions.set(uri, text);
  }

  #notice({ method, params }: Notification, text: string): void {
    if (method === "notifications/initialized") this.#initialized = text;
    if (method === "notifications/cancelled") this.#close(keyOf(params?.["requestId"]));
  }

  /** False for the answer to a question that nobody waits for any more. */
  #answers(key: Key): boolean {
    this.#asked.delete(key);
    return !this.#stale.delete(key);
  }

  #settles(key: Key | null, line: Uint8Array): Verdict {
    if (key === null) return "pass";
    if (this.#echoes.delete(key)) return "drop";
    // A daemon ends a subscription in peace only when it stops: it stands again at the next one.
    if (this.#listening.has(key) && membersOf(line)?.["error"] === undefined) return "drop";
    if (this.#close(key) && key === this.#initialize?.key) this.#learn(line);
    return "pass";
  }

  /** True when a request was open. */
  #close(key: Key): boolean {
    this.#listening.delete(key);
    return this.#open.delete(key);
  }

  #learn(line: Uint8Array): void {
    const result = membersOf(line)?.["result"] as Params | undefined;
    // Refused: the client may try again, and until then there is nothing to repeat.
    if (result === undefined) this.#initialize = null;
    const capabilities = result?.["capabilities"] as Params | undefined;
    this.#changing = LISTS.filter(
      (list) => (capabilities?.[list] as Params | undefined)?.["listChanged"] === true,
    );
  }

  #refusal(key: Key, problem: Fault): string {
    this.#close(key);
    if (key === this.#initialize?.key) this.#initialize = null;
    return encode(faultResponse(JSON.parse(key), problem));
  }
}

function changed(list: string, params: Params | undefined): string {
  const method = `notifications/${list}/list_changed`;
  return encode({ kind: "notification", method, params });
}

function keyOf(id: unknown): Key {
  return JSON.stringify(id) ?? "";
}

function paramsOf(line: Uint8Array): Params | undefined {
  return membersOf(line)?.["params"] as Params | undefined;
}

function membersOf(line: Uint8Array): Params | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(line)) as Params;
  } catch {
    return undefined;
  }
}
