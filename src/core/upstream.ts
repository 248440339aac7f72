import { Allowance } from "./allowance.ts";
import { lostWith, paramsForLegacy, timedOut, timeoutOf } from "./dispatch.ts";
import type { Turn } from "./effect.ts";
import { envelopeOf, isObject, MODERN_REVISION, withEnvelope } from "./envelope.ts";
import type { FoundEra } from "./era.ts";
import { ExchangeTable } from "./exchange-table.ts";
import type { Exchange } from "./exchange.ts";
import { type Fault, fault } from "./fault.ts";
import { greet, knownEra } from "./greeting.ts";
import type { Introduction } from "./introduction.ts";
import { Lane } from "./lane.ts";
import { LIST_KINDS, type Listing, type ListKind } from "./listing.ts";
import type { Memory } from "./memory.ts";
import {
  encode,
  failure,
  type Message,
  type Params,
  type RequestId,
  type Response,
  success,
} from "./message.ts";
import type { Question } from "./question.ts";
import type { Replicas } from "./replicas.ts";
import type { Flight } from "./reuse.ts";
import { type Audience, EVERYBODY } from "./scope.ts";
import type { McpLogLevel, Session } from "./session.ts";
import { TaskTable } from "./tasks.ts";
import type { Unit, UnitKey } from "./unit.ts";
import { Elicitations } from "./url-elicitation.ts";
import { type Waiting, WaitingRoom } from "./waiting.ts";

/** The MCP conversation with one instance of a unit, from its handshake to its end. */
export class Upstream {
  unit: Unit;
  readonly audience: Audience;
  /** The replicas that it is one of, or stands for; null where there is only it. */
  group: Replicas | null = null;
  /** When a client last asked it for something (monotonic ms). */
  usedMs = 0;
  readonly counts = { calls: 0, errors: 0 };
  phase: "absent" | "opening" | "ready" = "absent";
  introduction: Introduction | null = null;
  readonly exchanges = new ExchangeTable();
  readonly listings = new Map<ListKind, Listing>();
  /** Lists to load again at a time (monotonic ms), after the upstream said that they changed. */
  readonly staleLists = new Map<ListKind, number>();
  /** Who subscribed to which resource. */
  readonly subscribers = new Map<string, Set<Session>>();
  logLevel: McpLogLevel | null = null;
  /** What the upstream asks its clients, by its own request id; in the modern era, by round. */
  readonly questions = new Map<RequestId, Question>();
  nextRound = 1;
  readonly tasks = new TaskTable();
  readonly elicitations = new Elicitations();
  /** Where calls of tools that ask take turns. */
  readonly lane = new Lane(this.exchanges);
  readonly allowance = new Allowance(this.exchanges, this.lane);
  /** Why it takes no new requests. */
  retired: Fault | null = null;
  /** Who waits for the lists to be known. */
  listWaiters: ((turn: Turn) => void)[] = [];
  /** Reads that others may join, by what they ask for. */
  readonly fetching = new Map<string, Flight>();
  /** Counts what made kept results worthless, and what is about to. */
  changes = 0;
  changing = 0;
  /** Of the secrets that it was started with. */
  secretMark: string | null = null;
  /** Those who wait for it to start: whoever handles its becoming ready lets them go on. */
  readonly waiting = new WaitingRoom();
  /** What its era was found to be; an instance that follows need not find out again. */
  readonly found: FoundEra;
  /** What a modern upstream is listened to for. */
  listening: { readonly filter: string; readonly exchange: Exchange } | null = null;
  /** On its way down because nobody used it: what comes meanwhile waits for the next start. */
  #resting = false;
  readonly about: { readonly name: string; readonly version: string };

  constructor(
    unit: Unit,
    about: { readonly name: string; readonly version: string },
    audience: Audience = EVERYBODY,
    memory: Memory | null = null,
    found: FoundEra = { era: "auto" },
  ) {
    this.unit = unit;
    this.found = found;
    this.audience = audience;
    if (memory !== null) this.#remember(memory);
    this.about = about;
  }

  get name(): string {
    return this.unit.upstream;
  }

  /** Its name and version for those it answers, as it gave them. */
  get info(): Params {
    const given = this.introduction?.result["serverInfo"];
    return isObject(given) ? given : { name: this.name, version: "" };
  }

  get era(): "legacy" | "modern" {
    return this.phase === "ready" ? this.spokenEra : "legacy";
  }

  /** The era of what it has said so far, also while it does not run. */
  get spokenEra(): "legacy" | "modern" {
    return this.introduction?.protocolVersion === MODERN_REVISION ? "modern" : "legacy";
  }

  get key(): UnitKey {
    return this.unit.key;
  }

  /** Whether nobody would miss it: nothing in flight, nobody waiting or subscribed. */
  get unused(): boolean {
    if (this.group?.face === this) return this.group.unused;
    return this.load + this.waiting.size + this.subscribers.size === 0 && !this.tasks.working;
  }

  /** Requests it works on, or that wait for their turn. */
  get load(): number {
    return this.exchanges.size + this.allowance.size + this.lane.size;
  }

  /** Whether all its lists are known: until then an absent name proves nothing. */
  get listed(): boolean {
    return LIST_KINDS.every((kind) => this.listings.has(kind));
  }

  has(capability: string): boolean {
    return this.introduction?.capabilities[capability] !== undefined;
  }

  /** Runs `proceed` once the handshake is done, starting the upstream if needed. */
  whenReady(turn: Turn, waiting: Waiting): void {
    if (this.phase === "ready") {
      waiting.proceed(turn);
    } else if (this.retired !== null) {
      waiting.fail(turn, this.retired);
    } else if (this.waiting.enter(waiting)) {
      this.demand(turn);
    } else {
      waiting.fail(turn, fault("upstream.busy", `Upstream "${this.name}" is still starting`));
    }
  }

  demand(turn: Turn): void {
    if (this.group?.face === this) this.group.demand(turn);
    else turn.add({ kind: "demand", upstream: this });
  }

  /** Sends a request now, or as soon as the upstream is ready. */
  ask(turn: Turn, exchange: Exchange): void {
    if (this.group?.face === this) return this.group.ask(turn, exchange);
    if (exchange.session !== null) this.usedMs = turn.nowMs;
    exchange.upstream = this;
    this.whenReady(turn, {
      proceed: (later) => this.#enter(later, exchange),
      fail: (later, problem) => {
        if (this.group?.move(later, exchange, this) === true) return;
        exchange.settle(later, failure(problem));
      },
    });
  }

  /** Tells the upstream that nobody waits for the answer any more. */
  withdraw(turn: Turn, exchange: Exchange, reason: string): void {
    const notification = this.exchanges.withdraw(turn, exchange, reason);
    if (notification !== null) this.#send(turn, notification);
  }

  respond(turn: Turn, response: Response): void {
    this.#send(turn, response);
  }

  notify(turn: Turn, method: string, params?: Params): void {
    if (this.phase === "ready") this.#send(turn, { kind: "notification", method, params });
  }

  /** The link is up: find out who is there. */
  opened(turn: Turn, secretMark: string | null): void {
    this.phase = "opening";
    this.secretMark = secretMark;
    this.logLevel = null;
    greet(turn, this);
  }

  /** Puts an unused instance down; a request that comes meanwhile starts it again. */
  rest(turn: Turn): void {
    this.phase = "absent";
    this.group?.left(this);
    this.#resting = true;
    turn.add({ kind: "rest", upstream: this });
  }

  /**
   * The instance is gone. Reads that may be repeated and requests that had not been sent wait for
   * the next one when `retrying`; everything else is told. False when waiting is in vain.
   */
  lost(turn: Turn, problem: Fault, retrying: boolean): boolean {
    const wasReady = this.phase === "ready";
    const wasOpening = this.phase === "opening";
    this.phase = "absent";
    this.group?.left(this);
    for (const question of this.questions.values()) question.drop(turn);
    if (this.#resting) {
      this.#resting = false;
      // Calls that were given up, and the subscription of mcpd's own, have ended with it as well.
      const ended = success({});
      for (const exchange of this.exchanges.clear(turn)) exchange.settle(turn, ended);
      if ((this.group?.face ?? this).waiting.size > 0) turn.add({ kind: "demand", upstream: this });
      return true;
    }
    // A server elsewhere keeps its tasks while we cannot reach it.
    if (this.unit.reach.kind !== "remote") this.tasks.clear();
    // Some legacy servers exit when they are asked to discover: the next one is greeted instead.
    const probing = wasOpening && this.introduction === null && knownEra(this) === "auto";
    if (probing && this.unit.reach.kind !== "remote") this.found.era = "legacy";
    const stays = (wasReady || probing) && retrying && this.retired === null;
    const moves = wasReady && this.retired === null && this.group?.heir(this) !== undefined;
    const keep = stays || moves;
    for (const exchange of this.exchanges.clear(turn)) {
      // The hello of the handshake has nobody waiting behind it but those told below.
      if (!wasReady) continue;
      if (keep && exchange.retriesLeft > 0) {
        exchange.retriesLeft -= 1;
        this.#again(turn, exchange);
      } else {
        const lost = lostWith(exchange, problem, this.name);
        exchange.settle(turn, failure(lost));
      }
    }
    this.lane.pump(turn);
    this.group?.failed(turn, this);
    if (!stays) this.waiting.fail(turn, problem);
    else if (this.waiting.size > 0) turn.add({ kind: "demand", upstream: this });
    return stays;
  }

  /** Ends requests whose deadline has passed. */
  expire(turn: Turn): void {
    this.exchanges.expireGhosts(turn);
    this.lane.pump(turn);
    for (const exchange of this.exchanges.expired(turn.nowMs)) {
      // With one before it the breaker may have opened, which moved this one.
      if (!this.exchanges.holds(exchange)) continue;
      this.withdraw(turn, exchange, "timed out");
      exchange.settle(turn, timedOut(exchange, this.name));
      this.group?.failed(turn, this);
    }
  }

  /** Sends a request once more, to whoever may have it. */
  #again(turn: Turn, exchange: Exchange): void {
    if (this.group?.move(turn, exchange, this) !== true) this.ask(turn, exchange);
  }

  #enter(turn: Turn, exchange: Exchange): void {
    const start = (later: Turn): void => {
      if (!exchange.open) return;
      if (this.phase === "ready") this.dispatch(later, exchange);
      else this.#again(later, exchange);
    };
    this.allowance.take(turn, exchange, (later) => this.lane.take(later, exchange, start));
  }

  /** Sends a request whatever the phase: what comes before the handshake is done. */
  dispatch(turn: Turn, exchange: Exchange): void {
    const timeoutMs = timeoutOf(exchange, this.unit.settings, this.phase, knownEra(this));
    const request = this.exchanges.enter(exchange, turn.nowMs, timeoutMs);
    const modern = this.era === "modern" || exchange.method === "server/discover";
    const params = modern
      ? withEnvelope(request.params, envelopeOf(exchange, this.about))
      : paramsForLegacy(exchange, request.params);
    this.#send(turn, { ...request, params }, exchange);
  }

  #send(turn: Turn, message: Message, exchange: Exchange | null = null): void {
    turn.add({ kind: "send", upstream: this, text: encode(message), exchange });
  }

  #remember({ introduction, listings }: Memory): void {
    this.introduction = introduction;
    for (const kind of LIST_KINDS) this.listings.set(kind, listings[kind]);
    this.found.era = introduction.protocolVersion === MODERN_REVISION ? "modern" : "legacy";
  }
}
