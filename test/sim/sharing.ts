import { decodeAnswer, isMalformed } from "../../src/core/decode.ts";
import type { Channel, Effect } from "../../src/core/effect.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { Json, type Params, type RequestId } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import { Switchboard } from "../../src/core/switchboard.ts";
import type { Unit } from "../../src/core/unit.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import {
  changeOne,
  type Client,
  isResized,
  lostSubscriptions,
  patientUnit,
  settleAccounts,
  STOPPED,
  tellsOfStopped,
  unstarted,
} from "./accounts.ts";
import { type Chances, chancesFrom, type History } from "./history.ts";
import { PORTS } from "./ports.ts";
import { Random } from "./random.ts";
import { Report } from "./report.ts";
import { Schedule } from "./schedule.ts";
import { UpstreamModel } from "./upstream-model.ts";

type Note = { readonly id?: RequestId; readonly method: string; readonly params: Params };

/** Many clients on a few unreliable servers, in virtual time, from one seed. */
export class Sharing {
  readonly #report: Report;
  readonly #random: Random;
  readonly #schedule = new Schedule();
  readonly #board = new Switchboard({ name: "mcpd", version: "sim" }, PORTS);
  readonly #models = new Map<Upstream, UpstreamModel>();
  readonly #clients: Client[] = [];
  readonly #habits: Chances;
  /** What was carried out, by its text: nothing may be twice. */
  readonly #done = new Set<string>();
  #nextRequest = 1;

  constructor(seed: number) {
    this.#report = new Report(seed);
    this.#random = new Random(seed);
    this.#habits = chancesFrom(this.#random);
  }

  run(options: History): Report {
    const units = Array.from({ length: options.upstreams }, (_, index) => this.#unit(index));
    this.#perform(this.#board.apply(units, 0));
    for (let change = 0; change < options.changes; change++) {
      this.#schedule.after(this.#random.below(options.activeMs), () => this.#reconfigure(units));
    }
    for (let index = 0; index < options.clients; index++) this.#join(index, units);
    for (let step = 0; step < options.steps; step++) {
      this.#schedule.after(this.#random.below(options.activeMs), () => this.#act(units));
    }
    for (let atMs = 0; atMs < 400_000; atMs += LIMITS.tickMs)
      this.#schedule.after(atMs, () => this.#tick());
    // It ends early enough for the answers to the last health checks.
    for (let atMs = 0; atMs < 380_000; atMs += 500) {
      this.#schedule.after(atMs, () => this.#perform(this.#board.rest(this.#schedule.nowMs)));
    }
    this.#schedule.run(400_000);
    const found = settleAccounts(this.#board, this.#clients, this.#models);
    // What was removed has taken its subscriptions with it.
    if (this.#habits.removes === 0) found.push(...lostSubscriptions(this.#board, this.#clients));
    for (const text of found) this.#blame(text);
    return this.#report;
  }

  #tick(): void {
    if (!this.#board.busy) return;
    this.#perform(this.#board.tick(this.#schedule.nowMs));
    for (const text of unstarted(this.#board, this.#models)) this.#blame(text);
  }

  #unit(index: number): Unit {
    const replicas = this.#random.pick([1, 1, 2, 3]);
    if (replicas > 1) this.#report.replicated += 1;
    return patientUnit(`u${index}`, replicas, this.#random);
  }

  #join(index: number, units: readonly Unit[]): void {
    const one = units[this.#random.below(units.length)];
    const view =
      one !== undefined && this.#random.chance(0.5)
        ? ({ kind: "one", upstream: one.upstream } as const)
        : ({ kind: "all" } as const);
    const id = `session-${index}-${this.#nextRequest}`;
    const session = this.#board.open({ id, view, principal: "key", project: null });
    if (isFault(session)) return this.#blame(`open failed: ${session.text}`);
    const client: Client = { name: `c${index}`, session, open: new Map(), left: false };
    this.#clients.push(client);
    const params = { protocolVersion: "2025-06-18", capabilities: { elicitation: {} } };
    this.#ask(client, "initialize", params, "");
  }

  #act(units: readonly Unit[]): void {
    const client = this.#random.pick(this.#clients);
    if (client.left) return;
    const dice = this.#random.next();
    if (dice < 0.02) return this.#leave(client);
    if (dice < 0.1) return this.#cancel(client);
    if (dice < 0.15) return this.#ask(client, "tools/list", {}, "");
    if (dice < 0.27) return this.#subscribe(client);
    const upstream = this.#random.pick(units).upstream;
    if (dice < 0.4) return this.#read(client, upstream);
    const tool = this.#random.chance(0.2) ? "ask" : "echo";
    const name = client.session.view.kind === "one" ? tool : `${upstream}__${tool}`;
    const text = `${client.name}:${this.#nextRequest}:${this.#random.next()}`;
    this.#ask(client, "tools/call", { name, arguments: { text } }, text);
  }

  #read(client: Client, upstream: string): void {
    const name = client.session.view.kind === "one" ? "say" : `${upstream}__say`;
    const text = `${client.name}:${this.#nextRequest}:${this.#random.next()}`;
    this.#ask(client, "prompts/get", { name, arguments: { text } }, text);
  }

  /** A change of the config: one upstream is another one, or leaves and comes back later. */
  #reconfigure(units: readonly Unit[]): void {
    const changed = this.#random.below(units.length);
    const fresh = changeOne(units, changed, `at ${this.#schedule.nowMs}`, this.#random);
    if (fresh.some((unit, at) => isResized(unit, units[at]))) this.#report.resized += 1;
    const leaves = this.#random.chance(this.#habits.removes);
    const gone = leaves ? fresh.filter((_, index) => index !== changed) : fresh;
    this.#perform(this.#board.apply(gone, this.#schedule.nowMs));
    if (gone === fresh) return;
    const back = (): void => this.#perform(this.#board.apply(fresh, this.#schedule.nowMs));
    this.#schedule.after(5_000, back);
  }

  #subscribe(client: Client): void {
    const uri = `model://${this.#random.below(3)}`;
    const verb = this.#random.chance(0.8) ? "subscribe" : "unsubscribe";
    if (client.session.view.kind === "one") this.#ask(client, `resources/${verb}`, { uri }, "");
  }

  #pushed(session: Session, text: string): void {
    const { id, method, params } = JSON.parse(text) as Note;
    const client = this.#clients.find((candidate) => candidate.session === session);
    if (method === "elicitation/create" && client) return this.#askedBy(client, id ?? 0, params);
    if (method !== "notifications/resources/updated") return;
    this.#report.updates += 1;
    if (!session.subscriptions.has(String(params["uri"]))) {
      this.#blame(`${session.id} got an update it never asked for: ${text}`);
    }
  }

  /** Ids and tokens are the same for all clients, on purpose: nothing may depend on them. */
  #ask(client: Client, method: string, params: Params, text: string): void {
    const next = client.open.size + 1;
    const id: RequestId = this.#random.chance(0.5) ? next : `${next}`;
    if (client.open.has(id)) return;
    this.#nextRequest += 1;
    const token = this.#random.chance(0.5) ? `token-${String(id)}` : undefined;
    const meta = token === undefined ? {} : { _meta: { progressToken: token } };
    client.open.set(id, { text, token, cancelled: false });
    this.#report.requests += 1;
    const message = { kind: "request", id, method, params: { ...params, ...meta } } as const;
    const channel = this.#channel(client, id);
    this.#perform(this.#board.fromClient(client.session, message, channel, this.#schedule.nowMs));
  }

  #cancel(client: Client): void {
    const [id, request] = [...client.open][this.#random.below(client.open.size)] ?? [];
    if (id === undefined || request === undefined || request.text === "") return;
    request.cancelled = true;
    const params = { requestId: id };
    const message = { kind: "notification", method: "notifications/cancelled", params } as const;
    const channel = this.#channel(client, id);
    this.#perform(this.#board.fromClient(client.session, message, channel, this.#schedule.nowMs));
  }

  #leave(client: Client): void {
    client.left = true;
    this.#perform(this.#board.close(client.session, "left", this.#schedule.nowMs));
    client.open.clear();
  }

  #channel(client: Client, id: RequestId): Channel {
    return {
      streams: true,
      mustAnswer: true,
      write: (text, last) =>
        last ? this.#answered(client, id, text) : this.#noted(client, id, text),
    };
  }

  #answered(client: Client, id: RequestId, text: string): void {
    const message = JSON.parse(text) as { id: RequestId; result?: Params; error?: Params };
    this.#report.answers += 1;
    if (client.left) return;
    const request = client.open.get(id);
    client.open.delete(id);
    if (request === undefined) return this.#blame(`${client.name} got a second answer to ${id}`);
    if (message.id !== id) this.#blame(`${client.name} asked ${id}, the answer says ${message.id}`);
    if (message.error !== undefined) {
      this.#report.faults += 1;
      if (tellsOfStopped(message.error)) this.#blame(`${client.name} was told: ${text}`);
    } else if (message.result?.["content"] === "refused") {
      this.#report.refusals += 1;
    } else if (request.text !== "" && message.result?.["content"] !== request.text) {
      this.#blame(`${client.name} got somebody else's answer: ${text}`);
    }
  }

  /** A question: it must be about one of the client's own calls, and gets its text as answer. */
  #askedBy(client: Client, id: RequestId, params: Params): void {
    this.#report.questions += 1;
    const text = String(params["message"]);
    if (client.left) return;
    if (!text.startsWith(`${client.name}:`)) this.#blame(`${client.name} was asked about ${text}`);
    this.#schedule.after(this.#random.below(3_000), () => {
      const result = Json.ofValue({ action: "accept", content: { text } });
      const message = { kind: "response", id, outcome: { ok: true, result } } as const;
      const channel = this.#channel(client, id);
      this.#perform(this.#board.fromClient(client.session, message, channel, this.#schedule.nowMs));
    });
  }

  #noted(client: Client, id: RequestId, text: string): void {
    const { id: asked, method, params } = JSON.parse(text) as Note;
    if (method === "elicitation/create") return this.#askedBy(client, asked ?? 0, params);
    this.#report.progress += 1;
    if (client.left) return;
    const request = client.open.get(id);
    if (request === undefined) this.#blame(`${client.name} got progress after its answer`);
    else if (params["progressToken"] !== request.token) {
      this.#blame(`${client.name} got progress for ${String(params["progressToken"])}`);
    }
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "answer") effect.channel.write(effect.text, true);
      else if (effect.kind === "note") effect.channel.write(effect.text, false);
      else if (effect.kind === "send") this.#models.get(effect.upstream)?.receive(effect.text);
      else if (effect.kind === "demand") this.#start(effect.upstream);
      else if (effect.kind === "push") this.#pushed(effect.session, effect.text);
      else if (effect.kind === "drained") this.#end(effect.upstream);
      else if (effect.kind === "rest") this.#rest(effect.upstream);
      else if (effect.kind === "refuse") this.#blame(`refused: ${effect.problem.text}`);
    }
  }

  #start(upstream: Upstream): void {
    if (this.#models.get(upstream)?.alive === true) return;
    const model = new UpstreamModel(
      this.#random,
      this.#schedule,
      this.#habits,
      (message) => {
        const decoded = decodeAnswer(JSON.stringify(message));
        if (isMalformed(decoded)) return this.#blame("the model sent nonsense");
        this.#perform(this.#board.fromUpstream(upstream, decoded, this.#schedule.nowMs));
      },
      () => this.#kill(upstream, model),
      (text) => {
        if (this.#done.has(text)) this.#blame(`carried out twice: ${text}`);
        this.#done.add(text);
      },
    );
    this.#models.set(upstream, model);
    this.#schedule.after(this.#random.below(300), () => {
      if (!model.alive) return;
      if (this.#random.chance(this.#habits.startsNot)) return this.#kill(upstream, model);
      this.#perform(this.#board.opened(upstream, this.#schedule.nowMs));
    });
  }

  /** It takes a while to end, and a request may come meanwhile. */
  #rest(upstream: Upstream): void {
    this.#report.rests += 1;
    this.#schedule.after(this.#random.below(300), () => this.#end(upstream));
  }

  #end(upstream: Upstream): void {
    const model = this.#models.get(upstream);
    if (model === undefined) return;
    model.alive = false;
    this.#models.delete(upstream);
    const problem = fault("upstream.failed", STOPPED, upstream.name);
    this.#perform(this.#board.lost(upstream, problem, false, this.#schedule.nowMs));
  }

  #kill(upstream: Upstream, model: UpstreamModel): void {
    model.alive = false;
    this.#report.restarts += 1;
    const problem = fault("upstream.failed", `Upstream "${upstream.name}" died`, upstream.name);
    const retrying = this.#random.chance(0.8);
    this.#perform(this.#board.lost(upstream, problem, retrying, this.#schedule.nowMs));
  }

  #blame(text: string): void {
    this.#report.violations.push(`${Math.round(this.#schedule.nowMs)} ms: ${text}`);
  }
}
