/** One run of the chaos from a seed: clients write while things go wrong, then all is counted. */
import { waitFor } from "../../test/helpers/wait.ts";
import { Random } from "../../test/sim/random.ts";
import { privateMemory } from "../bench/process.ts";
import { Bag, eventsFor, SERVER_KILLED } from "./events.ts";
import { Ledger, type Outcome, type Verdict } from "./ledger.ts";
import { losesSession, NO_ANSWER } from "./outcome.ts";
import { Scene, type SceneOptions, type UpstreamName, UPSTREAMS } from "./scene.ts";
import { openWriter, type Wire, type Writer } from "./writers.ts";

export type ChaosOptions = SceneOptions & {
  readonly seed: number;
  readonly seconds: number;
  /** How many clients of each wire, each at one upstream. */
  readonly clients: { readonly [wire in Wire]: number };
  /** Calm between two events, at most, in ms. */
  readonly calmMs: number;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
};

export type ChaosReport = Verdict & {
  readonly seed: number;
  readonly keeper: string;
  readonly events: { readonly [name: string]: number };
  /** How long the next server took to be healthy, in ms: each kill -9 of one. */
  readonly recoveriesMs: readonly number[];
  /** What could not be done on this machine, and why. */
  readonly left: readonly string[];
  /** How often clients had to shake hands again, by wire. */
  readonly reconnects: { readonly [wire: string]: number };
  /** Private memory of servers, in bytes: its median early in the run, at its end, and the most. */
  readonly memory: Memory | null;
};

type Memory = { readonly early: number; readonly late: number; readonly most: number };

/** Calls a client has in flight. */
const HANDS = 2;
const SAMPLE_MS = 250;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  await using scene = await Scene.open(options);
  const run = new Run(scene, options);
  return await run.run();
}

class Run {
  readonly #scene: Scene;
  readonly #options: ChaosOptions;
  readonly #ledger = new Ledger();
  readonly #events = new Map<string, number>();
  readonly #memory: number[] = [];
  readonly #recoveriesMs: number[] = [];
  #writers: readonly Writer[] = [];
  #over = false;

  constructor(scene: Scene, options: ChaosOptions) {
    this.#scene = scene;
    this.#options = options;
  }

  async run(): Promise<ChaosReport> {
    this.#writers = await this.#openWriters();
    const sampling = this.#sample();
    const working = this.#writers.flatMap((writer, at) =>
      Array.from({ length: HANDS }, (_, hand) => this.#work(writer, `${at}.${hand}`)),
    );
    try {
      await this.#disturb();
      await this.#recover();
    } finally {
      this.#over = true;
      await Promise.all([...working, sampling]);
      await Promise.all(this.#writers.map((writer) => writer.close()));
    }
    await this.#scene.stop();
    return this.#report();
  }

  async #openWriters(): Promise<readonly Writer[]> {
    const { clients } = this.#options;
    const wires = Object.entries(clients) as [Wire, number][];
    const wanted = wires.flatMap(([wire, count]) =>
      Array.from({ length: count }, (_, at) => ({ wire, upstream: upstreamAt(at) })),
    );
    const { door } = this.#scene;
    return await Promise.all(wanted.map(({ wire, upstream }) => openWriter(door, wire, upstream)));
  }

  /** One hand of a client: a write or a read after the other. */
  async #work(writer: Writer, name: string): Promise<void> {
    const random = new Random(this.#options.seed * 1_000 + Number.parseFloat(name) * 10);
    for (let count = 1; !this.#over; count++) {
      const id = `${writer.wire}-${name}-${count}`;
      const outcome = await this.#act(writer, id, random);
      // A client that finds nobody does not spin.
      await Bun.sleep(outcome?.kind === "refused" ? 50 : random.below(10));
    }
  }

  async #act(writer: Writer, id: string, random: Random): Promise<Outcome | null> {
    const before = this.#scene.keeper.incarnation;
    const reads = random.chance(0.25);
    const pace = { beforeMs: random.below(12), afterMs: random.below(12) };
    if (!reads) this.#ledger.begin(id, writer.upstream);
    try {
      const outcome = reads ? await writer.read(id) : await writer.write({ id, ...pace });
      if (reads) this.#ledger.read(outcome);
      else this.#ledger.settle(id, outcome);
      if (losesSession(outcome)) {
        this.#ledger.fail(`${id} would have to shake hands again: ${outcome.why}`);
      }
      const same = before === this.#scene.keeper.incarnation && before > 0;
      if (outcome.why === NO_ANSWER && same) this.#ledger.fail(`${id} was left without an answer`);
      return outcome;
    } catch (error) {
      this.#ledger.fail(String(error));
      return null;
    }
  }

  async #disturb(): Promise<void> {
    const { seed, seconds, calmMs, say, signal } = this.#options;
    const random = new Random(seed);
    const bag = new Bag(eventsFor(this.#scene), random);
    const endsAt = performance.now() + seconds * 1_000;
    while (performance.now() < endsAt && signal?.aborted !== true) {
      await Bun.sleep(random.below(calmMs));
      const event = bag.next();
      say(`${event.name}; ${this.#ledger.writes} writes so far`);
      this.#events.set(event.name, (this.#events.get(event.name) ?? 0) + 1);
      const { incarnation } = this.#scene.keeper;
      const startMs = performance.now();
      await event.happen(this.#scene, random);
      if (event.name === SERVER_KILLED && incarnation < this.#scene.keeper.incarnation) {
        this.#recoveriesMs.push(performance.now() - startMs);
      }
    }
  }

  /** Nothing goes wrong any more: every client has to get a write done. */
  async #recover(): Promise<void> {
    const random = new Random(this.#options.seed + 1);
    await Promise.all(
      this.#writers.map(async (writer, at) => {
        let last: Outcome | null = null;
        let tries = 0;
        const works = async (): Promise<boolean> => {
          last = await this.#act(writer, `last-${writer.wire}-${at}-${++tries}`, random);
          return last?.kind === "done";
        };
        await waitFor("a write", works, 30_000).catch(() =>
          this.#ledger.fail(
            `${writer.wire} ${at} (${writer.upstream}) never worked again: ${last?.why}`,
          ),
        );
      }),
    );
  }

  async #sample(): Promise<void> {
    while (!this.#over) {
      const pid = this.#scene.keeper.serverPid();
      const { anonymousBytes } = pid === null ? { anonymousBytes: 0 } : privateMemory([pid]);
      if (anonymousBytes > 0) this.#memory.push(anonymousBytes);
      await Bun.sleep(SAMPLE_MS);
    }
  }

  #report(): ChaosReport {
    const { disk, clock, keeper } = this.#scene;
    const left: string[] = [];
    if (typeof disk === "string") left.push(`no disk was filled: ${disk}`);
    if (typeof clock === "string") left.push(`no clock was moved: ${clock}`);
    if (keeper.killBootstrap === null) left.push("no bootstrap was killed: there is none");
    const reconnects: { [wire: string]: number } = {};
    for (const writer of this.#writers) {
      reconnects[writer.wire] = (reconnects[writer.wire] ?? 0) + writer.reconnects;
    }
    return {
      ...this.#ledger.verdict(this.#scene.journals()),
      seed: this.#options.seed,
      keeper: keeper.name,
      events: Object.fromEntries(this.#events),
      recoveriesMs: this.#recoveriesMs,
      left,
      reconnects,
      memory: memoryOf(this.#memory),
    };
  }
}

function upstreamAt(at: number): UpstreamName {
  return UPSTREAMS[at % UPSTREAMS.length] ?? "near";
}

/** The second tenth of the run against its last; null where memory cannot be read. */
function memoryOf(samples: readonly number[]): Memory | null {
  const tenth = Math.ceil(samples.length / 10);
  const early = medianOf(samples.slice(tenth, 2 * tenth));
  const late = medianOf(samples.slice(-tenth));
  return early === null || late === null ? null : { early, late, most: Math.max(...samples) };
}

function medianOf(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}
