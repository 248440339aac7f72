import type { Conditions } from "../core/condition.ts";
import { faceOf, runnable } from "../core/face.ts";
import type { Fault } from "../core/fault.ts";
import type { Wire } from "../core/message.ts";
import type { Unit } from "../core/unit.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Cut } from "../transport/link.ts";
import type { Instance, InstanceEvents } from "./instance.ts";

/** What the pool tells the desk about an upstream. */
export interface PoolListener {
  opened(upstream: Upstream): void;
  message(upstream: Upstream, wire: Wire): void;
  tooLong(upstream: Upstream, cut: Cut): void;
  lost(upstream: Upstream, problem: Fault, retrying: boolean): void;
  unavailable(upstream: Upstream, problem: Fault): void;
}

/** Makes what runs one unit. */
export type InstanceFactory = (unit: Unit, events: InstanceEvents) => Instance;

/** The instances: one for each upstream that anyone has asked for. */
export class Pool {
  readonly #instances = new Map<Upstream, Instance>();
  /** On their way down because nobody used them: that is no problem to report. */
  readonly #resting = new Set<Upstream>();
  /** Whose failure stands as a condition: it goes with the upstream that had it. */
  readonly #failed = new Map<string, Upstream>();
  /** Whose replicas show different lists, in the same way. */
  readonly #differing = new Map<string, Upstream>();
  readonly #create: InstanceFactory;
  readonly #listener: PoolListener;
  readonly #conditions: Conditions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #oddity: (upstream: string, text: string) => void;

  constructor(options: {
    readonly create: InstanceFactory;
    readonly listener: PoolListener;
    readonly conditions: Conditions;
    readonly clock: Clock;
    readonly log: Log;
    readonly oddity: (upstream: string, text: string) => void;
  }) {
    this.#create = options.create;
    this.#listener = options.listener;
    this.#conditions = options.conditions;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#oddity = options.oddity;
  }

  instance(upstream: Upstream): Instance | undefined {
    return this.#instances.get(upstream);
  }

  demand(upstream: Upstream): void {
    let instance = this.#instances.get(upstream);
    if (instance === undefined) {
      instance = this.#create(upstream.unit, this.#eventsOf(upstream));
      this.#instances.set(upstream, instance);
    }
    if (faceOf(upstream).listed) instance.hurry();
    instance.demand();
  }

  send(upstream: Upstream, text: string): boolean {
    return this.#instances.get(upstream)?.send(text) ?? false;
  }

  ready(upstream: Upstream): void {
    this.#instances.get(upstream)?.ready();
    this.#clear(subjectOf(upstream));
    const { server, protocolVersion } = upstream.introduction ?? {};
    const name = server === undefined ? "" : `${server.name} ${server.version}`.trim();
    this.#log.info("upstream ready", {
      upstream: subjectOf(upstream),
      server: name,
      protocolVersion,
    });
  }

  refuse(upstream: Upstream, problem: Fault): void {
    this.#raise(upstream, problem);
    this.#instances.get(upstream)?.refuse(problem);
  }

  /** The replicas of an upstream show different lists; null when they do not any more. */
  disagree(upstream: Upstream, text: string | null): void {
    const subject = upstream.name;
    if (text === null) {
      this.#differing.delete(subject);
      this.#conditions.clear("upstream.replicas", subject);
      return;
    }
    this.#differing.set(subject, upstream);
    const different = `Replicas of upstream "${subject}" differ: ${text}`;
    const changed = this.#conditions.raise({
      name: "upstream.replicas",
      subject,
      severity: "warning",
      text: different,
      hint: "Clients are shown what the first one says. Make all of them the same version.",
      sinceMs: this.#clock.now(),
    });
    if (changed) this.#log.warning(different, { upstream: subject });
  }

  /** A new revision is in force: settings apply, and what waited or failed gets another chance. */
  configure(upstreams: readonly Upstream[]): void {
    for (const upstream of upstreams) this.#instances.get(upstream)?.configure(upstream.unit);
  }

  /** Ends the process of an instance nobody uses; the next demand starts another. */
  rest(upstream: Upstream): void {
    this.#resting.add(upstream);
    this.#log.info("upstream unused: stopping it", { upstream: upstream.name });
    this.#instances.get(upstream)?.rest();
  }

  /** Ends what ran a unit that is no longer wanted. */
  retire(upstream: Upstream): void {
    const instance = this.#instances.get(upstream);
    this.#instances.delete(upstream);
    this.#resting.delete(upstream);
    const subject = subjectOf(upstream);
    if (this.#failed.get(subject) === upstream) this.#clear(subject);
    const face = faceOf(upstream);
    if (this.#differing.get(face.name) === face) this.disagree(face, null);
    if (instance === undefined) return;
    this.#log.info("upstream stopping", { upstream: upstream.name });
    instance.stop().catch((error: unknown) => {
      this.#log.error(`upstream did not stop: ${String(error)}`, { upstream: upstream.name });
    });
  }

  /** Ends everything; resolves when no process is left. */
  async close(): Promise<void> {
    const instances = [...this.#instances.values()];
    this.#instances.clear();
    await Promise.all(instances.map((instance) => instance.stop()));
  }

  #eventsOf(upstream: Upstream): InstanceEvents {
    return {
      opened: () => this.#listener.opened(upstream),
      message: (wire) => this.#listener.message(upstream, wire),
      noise: (text, cut) => {
        this.#oddity(upstream.name, `printed what is no message: ${text}`);
        if (cut !== undefined) this.#listener.tooLong(upstream, cut);
      },
      gone: (problem, retryInMs) => {
        if (!this.#resting.delete(upstream)) this.#raise(upstream, problem);
        this.#listener.lost(upstream, problem, retryInMs !== null);
      },
      unavailable: (problem) => this.#listener.unavailable(upstream, problem),
    };
  }

  #clear(name: string): void {
    this.#failed.delete(name);
    this.#conditions.clear("upstream.failed", name);
    this.#conditions.clear("upstream.needs-login", name);
  }

  #raise(upstream: Upstream, problem: Fault): void {
    if (!this.#instances.has(upstream)) return;
    // The mistake of one client, who is told: nothing is wrong with the upstream.
    if (problem.code === "project.unknown") return this.#log.info(problem.text);
    const name = problem.code === "upstream.needs-login" ? problem.code : "upstream.failed";
    const other = name === "upstream.failed" ? "upstream.needs-login" : "upstream.failed";
    const subject = subjectOf(upstream);
    this.#conditions.clear(other, subject);
    this.#failed.set(subject, upstream);
    const served = runnable(faceOf(upstream)).some(
      (replica) => replica !== upstream && replica.phase === "ready",
    );
    // While another replica serves, nobody goes without.
    const severity = served ? "warning" : "error";
    const changed = this.#conditions.report(problem, this.#clock.now(), {
      name,
      subject,
      severity,
    });
    if (changed) this.#log.error(problem.text, { upstream: subject });
  }
}

/** What a condition of an instance is about: replicas have one each. */
function subjectOf({ group, key, name }: Upstream): string {
  return group === null ? name : key;
}
