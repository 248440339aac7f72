import type { ToolRow } from "../control/api.ts";
import type { Catalog } from "../core/catalog.ts";
import { decodeAnswer, isMalformed } from "../core/decode.ts";
import { cancelled } from "../core/dispatch.ts";
import type { Channel } from "../core/effect.ts";
import { LEGACY_LATEST } from "../core/era.ts";
import { withToken } from "../core/exchange-table.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { type ListKind, LISTS } from "../core/listing.ts";
import {
  type Failure,
  failure,
  type Outcome,
  type Params,
  type Request,
  success,
} from "../core/message.ts";
import type { View } from "../core/session.ts";
import type { Desk, SessionPort } from "../transport/door.ts";
import type { LiveDesk } from "./desk.ts";
import { toolRows } from "./rows.ts";

/** How one request of an insider may be followed and ended. */
export type InsiderOptions = {
  readonly signal?: AbortSignal;
  readonly onProgress?: (params: Params) => void;
  /** Answers what a server wants to know of its user; without it, servers know that nobody does. */
  readonly onQuestion?: ((asked: Params) => Promise<Params>) | undefined;
};

const ANSWERING: Params = { elicitation: { form: {}, url: {} } };

const CANCELLED = "by the user";

type Opened = SessionPort | Fault | Failure;

/** The desk, and what of it is for insiders only. */
export type InsiderDesk = Desk & Pick<LiveDesk, "shown">;

/** A list of the aggregate and the upstreams it does not hold yet, or why there is none. */
export type Listed = { readonly list: Catalog; readonly missing: readonly string[] } | Failure;

const NOTHING: Catalog = { entries: [], targets: new Map() };

/** Which session of the insider a request belongs to. */
export type Place = { readonly view: View; readonly project: string | null };

/**
 * A client inside the process: what the control door and the built-in tools ask goes the same way
 * as any other client's request.
 */
export class Insider {
  readonly #desk: InsiderDesk;
  readonly #sessions = new Map<string, SessionPort>();
  /** Handshakes under way: whoever asks meanwhile shares the session. */
  readonly #opening = new Map<string, Promise<Opened>>();
  #nextId = 1;

  constructor(desk: InsiderDesk) {
    this.#desk = desk;
  }

  /** Sends one request through a view and resolves with its outcome; never rejects. */
  async request(
    place: Place,
    method: string,
    params: Params,
    options: InsiderOptions = {},
  ): Promise<Outcome> {
    const session = await this.#session(place);
    if (isFault(session)) return failure(session);
    if ("error" in session) return session;
    // The handshake may have waited for the upstream to start: nobody may want the request now.
    if (options.signal?.aborted === true) return cancelled({ method }, CANCELLED);
    return this.#send(session, method, params, options);
  }

  /** Asks for a list of the aggregate in a project, which waits for upstreams that are starting. */
  async list(project: string | null, kind: ListKind): Promise<Listed> {
    const place = { view: { kind: "all" }, project } as const;
    const outcome = await this.request(place, LISTS[kind].method, {});
    return outcome.ok ? this.known(project, kind) : outcome;
  }

  /** A list of the aggregate as far as it is known; empty before anything was asked there. */
  known(project: string | null, kind: ListKind): Extract<Listed, { list: Catalog }> {
    const session = this.#sessions.get(keyOf({ view: { kind: "all" }, project }));
    return (session && this.#desk.shown(session.id, kind)) ?? { list: NOTHING, missing: [] };
  }

  /** The tools of the aggregate outside any project, asking for them first. */
  async knownTools(): Promise<readonly ToolRow[]> {
    await this.list(null, "tools");
    return toolRows(this.known(null, "tools").list);
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
  }

  async #session(place: Place): Promise<Opened> {
    const key = keyOf(place);
    const standing = this.#sessions.get(key);
    if (standing !== undefined && !isFault(this.#desk.find(standing.id, "control", "socket"))) {
      return standing;
    }
    const opening = this.#opening.get(key) ?? this.#open(place, key);
    this.#opening.set(key, opening);
    return opening.finally(() => this.#opening.delete(key));
  }

  async #open(place: Place, key: string): Promise<Opened> {
    const opened = this.#desk.open({ ...place, principal: "control", door: "socket" });
    if (isFault(opened)) return opened;
    const outcome = await this.#send(
      opened,
      "initialize",
      { protocolVersion: LEGACY_LATEST, capabilities: {}, clientInfo: { name: "mcpd" } },
      {},
    );
    if (!outcome.ok) {
      opened.close();
      return outcome;
    }
    this.#sessions.set(key, opened);
    return opened;
  }

  #send(
    session: SessionPort,
    method: string,
    params: Params,
    { signal, onProgress, onQuestion }: InsiderOptions,
  ): Promise<Outcome> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const answer = async ({ id: question, params: asked = {} }: Request): Promise<void> => {
      const outcome = await answerOf(onQuestion?.(asked));
      session.receive({ kind: "response", id: question, outcome }, channel);
    };
    const channel: Channel = {
      streams: onProgress !== undefined || onQuestion !== undefined,
      mustAnswer: true,
      capabilities: onQuestion === undefined ? {} : ANSWERING,
      write(text) {
        const message = decodeAnswer(text);
        if (isMalformed(message)) {
          return resolve(failure(fault("internal", "Unreadable answer")));
        }
        if (message.kind === "response") resolve(message.outcome);
        else if (message.kind === "request") void answer(message);
        else if (message.method === "notifications/progress") onProgress?.(message.params ?? {});
      },
    };
    const outgoing = onProgress === undefined ? params : withToken(params, id);
    const cancel = (): void => {
      const message = { kind: "notification", method: "notifications/cancelled" } as const;
      session.receive({ ...message, params: { requestId: id, reason: CANCELLED } }, channel);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    session.receive({ kind: "request", id, method, params: outgoing }, channel);
    return promise.finally(() => signal?.removeEventListener("abort", cancel));
  }
}

/** What comes of asking: whoever cannot be asked any more has no answer. */
async function answerOf(answer: Promise<Params> | undefined): Promise<Outcome> {
  const value = await answer?.catch(() => undefined);
  if (value === undefined) return failure(fault("question.nobody"));
  return success(value);
}

function keyOf({ view, project }: Place): string {
  return JSON.stringify([view.kind === "one" ? view.upstream : null, project]);
}
