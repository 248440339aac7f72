import { decodeAnswer, isMalformed } from "../../src/core/decode.ts";
import type { Channel, Effect } from "../../src/core/effect.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import type { KeptSession } from "../../src/core/kept-session.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Params } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import { Switchboard } from "../../src/core/switchboard.ts";
import type { Unit } from "../../src/core/unit.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { OpenShelf } from "../helpers/shelf.ts";
import { unitOf } from "../helpers/unit.ts";
import { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import { type Store, StoreModel } from "./store-model.ts";

const VIEW = { kind: "one", upstream: "store" } as const;
const KEYS = 3;
const ACTIVE_MS = 60_000;
/** Longer than a call may take and be at work after it was given up. */
const CALM_MS = 60_000;

/** A question: about what, and what was known when it was put. */
type Open = { readonly key: string | null; readonly floor: Store; readonly tool: unknown };

type Client = {
  readonly id: string;
  readonly principal: string;
  /** Null while its daemon is gone, or before its handshake. */
  session: Session | null;
  /** What of it is on the disk. */
  kept: string | null;
  readonly subscribed: Set<string>;
  /** Asked for without an answer so far: it may be subscribed or not. */
  readonly asked: Set<string>;
  readonly open: Map<number, Open>;
};

/**
 * Clients that read and write one store, whose answers are shared and kept, through daemons that
 * crash. Nobody may be shown what is older than a write that was answered before the question, and
 * every session goes on with what it had.
 */
export class Keeping {
  readonly violations: string[] = [];
  readonly counts = { asked: 0, hits: 0, writes: 0, crashes: 0, revived: 0 };
  readonly #random: Random;
  readonly #schedule = new Schedule();
  readonly #shelf = new OpenShelf();
  readonly #clients: Client[] = [];
  readonly #models = new Map<Upstream, StoreModel>();
  readonly #store: Store = { version: 0, notes: 0 };
  /** What clients were told of what they have done. */
  #acknowledged: Store = { version: 0, notes: 0 };
  #board: Switchboard;
  #nextId = 1;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#board = this.#newBoard();
  }

  run(stepsMax: number): void {
    const steps = this.#random.below(stepsMax);
    for (let index = 0; index < 6; index++) {
      const principal = index % 3 === 0 ? "another" : "key";
      const [subscribed, asked] = [new Set<string>(), new Set<string>()];
      const about = { session: null, kept: null, subscribed, asked, open: new Map() };
      this.#clients.push({ id: `session-${index}`, principal, ...about });
    }
    for (let step = 0; step < steps; step++) {
      this.#schedule.after(this.#random.below(ACTIVE_MS), () => this.#act());
    }
    for (let crash = this.#random.below(3); crash > 0; crash--) {
      this.#schedule.after(this.#random.below(ACTIVE_MS), () => this.#crash());
    }
    for (let atMs = 0; atMs < 2 * ACTIVE_MS + CALM_MS; atMs += LIMITS.tickMs) {
      this.#schedule.after(atMs, () => this.#perform(this.#board.tick(this.#schedule.nowMs)));
    }
    this.#schedule.run(ACTIVE_MS + CALM_MS);
    // By now nobody writes: what is shown is what is.
    this.#acknowledged = { ...this.#store };
    for (const client of this.#clients) {
      if (this.#goOn(client)) for (let key = 0; key < KEYS; key++) this.#find(client, `k${key}`);
    }
    this.#schedule.run(2 * ACTIVE_MS + CALM_MS);
    for (const { id, open } of this.#clients) {
      if (open.size > 0) this.#blame(`${id} never got ${open.size} answers`);
    }
    if (this.#board.busy) this.#blame("the switchboard is still busy");
  }

  #newBoard(): Switchboard {
    const ports = {
      newName: () => "unused",
      newQuestionId: () => 1 + this.#random.below(1_000_000),
      secretMark: () => "",
      recall: () => null,
      shelf: () => this.#shelf,
    };
    const board = new Switchboard({ name: "mcpd", version: "sim" }, ports);
    this.#board = board;
    this.#perform(board.apply([storeUnit()], this.#schedule.nowMs));
    return board;
  }

  /** All that lives in the daemon is gone, its processes too; what is on the disk stays. */
  #crash(): void {
    this.counts.crashes += 1;
    for (const model of this.#models.values()) model.alive = false;
    this.#models.clear();
    for (const client of this.#clients) {
      client.session = null;
      client.open.clear();
    }
    this.#newBoard();
  }

  /** Whether a client has a session; it shakes hands only if it never had one. */
  #goOn(client: Client): boolean {
    if (client.session !== null) return client.session.ready;
    if (client.kept === null) {
      const about = { id: client.id, view: VIEW, principal: client.principal, project: null };
      const session = this.#board.open(about);
      if (isFault(session)) throw new Error(session.text);
      client.session = session;
      const params = { protocolVersion: "2025-06-18", capabilities: {} };
      this.#ask(client, "initialize", params, null);
      return false;
    }
    const kept = JSON.parse(client.kept) as KeptSession;
    const revived = this.#board.revive(client.id, kept, this.#schedule.nowMs);
    if (isFault(revived)) throw new Error(revived.text);
    this.counts.revived += 1;
    client.session = revived.session;
    const lost = [...client.subscribed].filter((uri) => !revived.session.subscriptions.has(uri));
    if (lost.length > 0) this.#blame(`${client.id} lost its subscriptions ${lost.join(", ")}`);
    this.#perform(revived.effects);
    return true;
  }

  #act(): void {
    const client = this.#random.pick(this.#clients);
    if (!this.#goOn(client)) return;
    const key = `k${this.#random.below(KEYS)}`;
    const dice = this.#random.next();
    if (dice < 0.15) return this.#call(client, "write", key);
    if (dice < 0.2) return this.#call(client, "note", key);
    if (dice < 0.27) return this.#cancel(client);
    if (dice < 0.3) return this.#subscribe(client, key);
    if (dice < 0.6) return this.#find(client, key);
    this.#ask(client, "resources/read", { uri: key }, key);
  }

  #find(client: Client, key: string): void {
    this.#call(client, "find", key);
  }

  #call(client: Client, name: string, key: string): void {
    if (name === "write") this.counts.writes += 1;
    this.#ask(client, "tools/call", { name, arguments: { key } }, key);
  }

  #subscribe(client: Client, uri: string): void {
    client.asked.add(uri);
    this.#ask(client, "resources/subscribe", { uri }, null, () => client.subscribed.add(uri));
  }

  #cancel({ session, open }: Client): void {
    const [requestId] = [...open.keys()];
    if (requestId === undefined || session === null) return;
    const message = {
      kind: "notification",
      method: "notifications/cancelled",
      params: { requestId },
    } as const;
    const channel = { streams: true, mustAnswer: true, write: () => undefined };
    this.#perform(this.#board.fromClient(session, message, channel, this.#schedule.nowMs));
  }

  #ask(
    client: Client,
    method: string,
    params: Params,
    key: string | null,
    done: () => void = () => undefined,
  ): void {
    const { session } = client;
    if (session === null) return;
    const id = this.#nextId++;
    client.open.set(id, { key, floor: this.#acknowledged, tool: params["name"] });
    this.counts.asked += 1;
    const write = (text: string, last: boolean): void => {
      // An answer of a daemon that is gone reaches nobody.
      if (last && client.session === session) this.#answered(client, id, text, done);
    };
    const channel: Channel = { streams: true, mustAnswer: true, write };
    const message = { kind: "request", id, method, params } as const;
    this.#perform(this.#board.fromClient(session, message, channel, this.#schedule.nowMs));
  }

  #answered(client: Client, id: number, text: string, done: () => void): void {
    const { result } = JSON.parse(text) as { result?: Params };
    const open = client.open.get(id);
    client.open.delete(id);
    if (open === undefined) return this.#blame(`${client.id} got a second answer to ${id}`);
    if (result === undefined) return;
    done();
    if (open.key === null) return;
    if (result["key"] !== open.key) this.#blame(`${client.id} asked ${open.key}, got ${text}`);
    const [version, notes] = [Number(result["version"]), Number(result["notes"])];
    const { floor, tool } = open;
    // What is kept may be older than what the config does not know to be a change.
    if (version < floor.version || (notes < floor.notes && tool !== "find")) {
      this.#blame(`${client.id} was shown ${text}, but ${JSON.stringify(floor)} was known`);
    }
    const known = this.#acknowledged;
    if (tool === "write")
      this.#acknowledged = { ...known, version: Math.max(known.version, version) };
    if (tool === "note") this.#acknowledged = { ...known, notes: Math.max(known.notes, notes) };
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "answer") effect.channel.write(effect.text, true);
      else if (effect.kind === "send") this.#models.get(effect.upstream)?.receive(effect.text);
      else if (effect.kind === "demand") this.#start(effect.upstream);
      else if (effect.kind === "push") this.#pushed(effect.session, effect.text);
      else if (effect.kind === "refuse") this.#models.get(effect.upstream)?.die();
      else if (effect.kind === "keep") this.#keep(effect.session);
      else if (effect.kind === "record" && effect.record.reuse === "hit") this.counts.hits += 1;
    }
  }

  #keep(session: Session): void {
    const client = this.#clients.find((candidate) => candidate.session === session);
    const kept = this.#board.kept(session);
    if (client !== undefined && kept !== null) client.kept = JSON.stringify(kept);
  }

  #pushed(session: Session, text: string): void {
    const client = this.#clients.find((candidate) => candidate.session === session);
    const { params } = JSON.parse(text) as { params?: Params };
    const uri = String(params?.["uri"]);
    if (params?.["uri"] === undefined || client?.asked.has(uri) === true) return;
    this.#blame(`${client?.id} was told of ${uri}, which it never asked for`);
  }

  #start(upstream: Upstream): void {
    if (this.#models.get(upstream)?.alive === true) return;
    const board = this.#board;
    const model = new StoreModel(this.#random, this.#schedule, this.#store, {
      emit: (message) => {
        const decoded = decodeAnswer(JSON.stringify(message));
        if (isMalformed(decoded)) throw new Error("the model sent nonsense");
        this.#perform(board.fromUpstream(upstream, decoded, this.#schedule.nowMs));
      },
      died: () => {
        const problem = fault("upstream.failed", "It died", upstream.name);
        const retrying = this.#random.chance(0.8);
        this.#perform(board.lost(upstream, problem, retrying, this.#schedule.nowMs));
      },
    });
    this.#models.set(upstream, model);
    this.#schedule.after(this.#random.below(300), () => {
      if (model.alive) this.#perform(board.opened(upstream, this.#schedule.nowMs));
    });
  }

  #blame(text: string): void {
    this.violations.push(`${Math.round(this.#schedule.nowMs)} ms: ${text}`);
  }
}

/** Its finds are kept until something is written. */
function storeUnit(): Unit {
  const unit = unitOf("store");
  const tools = [{ glob: "find", ttlMs: 1_000 }];
  const reuse = { tools, resourcesMs: 0, forgottenBy: ["write"] };
  return { ...unit, settings: { ...unit.settings, reuse } };
}
