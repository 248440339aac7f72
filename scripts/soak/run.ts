/** One soak: steady clients on every wire, others that come and go, and what the daemon takes. */
import { readdirSync } from "node:fs";

import { Daemon } from "../../test/e2e/harness.ts";
import { Official } from "../../test/e2e/official.ts";
import { statusOf } from "../../test/e2e/status.ts";
import { fixture } from "../../test/helpers/program.ts";
import { Random } from "../../test/sim/random.ts";
import { groupBytes, privateMemory } from "../bench/process.ts";

export type SoakOptions = {
  /** Minutes at which a sample ends; the last is the end. */
  readonly marks: readonly number[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

export type Sample = {
  readonly minute: number;
  /** Of the private memory since the last sample: garbage raises the highest, a leak the lowest. */
  readonly lowestBytes: number;
  readonly highestBytes: number;
  readonly proportionalBytes: number;
  readonly sessions: number;
  readonly files: number;
  readonly calls: number;
  readonly restarts: number;
};

type Extremes = Pick<Sample, "lowestBytes" | "highestBytes">;

export type SoakReport = {
  readonly samples: readonly Sample[];
  /** Answers that were not what was asked for, in words. */
  readonly wrong: readonly string[];
};

const MINUTE_MS = 60_000;
/** Streams keep what they sent for two minutes: until then memory fills up. */
const SETTLED_MINUTES = 3;
/** What the last sample may have over the first of those that have settled. */
const GROWTH_MAX = 1.1;
/** What clients leave behind is gone after half of the first mark. */
const IDLE_SECS = 15;
const WATCH_MS = 300;
/** A call of each steady client, every so often. */
const PAUSE_MS = 100;
const VISIT_PAUSE_MS = 250;
const LARGE_BYTES = 100_000;
const STEADY = ["v1 http", "v1 http", "v2 http", "v1 sse", "v1 ws", "v1 bridge"] as const;

/**
 * Whether more is needed at the end than once memory had settled. How far a reading is above the
 * lowest only tells when the last collection was.
 */
export function grows(samples: readonly Pick<Sample, "minute" | "lowestBytes">[]): boolean {
  const settled = samples.filter((_, at) => (samples[at - 1]?.minute ?? 0) >= SETTLED_MINUTES);
  const [first, last] = [settled[0]?.lowestBytes ?? 0, settled.at(-1)?.lowestBytes ?? 0];
  return last > first * GROWTH_MAX;
}

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const config = {
    server: { session_idle_secs: IDLE_SECS },
    mcpServers: { echo: fixture("echo.ts"), fragile: fixture("echo.ts", "--name=fragile") },
  };
  await using daemon = await Daemon.start(config);
  return await new Soak(daemon, options).run();
}

class Soak {
  readonly #daemon: Daemon;
  readonly #options: SoakOptions;
  readonly #random = new Random(1);
  readonly #wrong: string[] = [];
  #calls = 0;
  #over = false;

  constructor(daemon: Daemon, options: SoakOptions) {
    this.#daemon = daemon;
    this.#options = options;
  }

  async run(): Promise<SoakReport> {
    const steady = await Promise.all(
      STEADY.map((kind) => Official.connect(this.#daemon, kind, "echo")),
    );
    const working = [...steady.map((client) => this.#work(client)), this.#visit(), this.#crash()];
    const samples: Sample[] = [];
    try {
      const startMs = performance.now();
      for (const minute of this.#options.marks) {
        const memory = await this.#watch(startMs + minute * MINUTE_MS);
        if (this.#options.signal.aborted) break;
        samples.push(await this.#sample(minute, memory));
        this.#options.say(`minute ${minute.toFixed(1)}: ${this.#calls} calls`);
      }
    } finally {
      this.#over = true;
      await Promise.all(working);
      for (const client of steady) await client[Symbol.asyncDispose]();
    }
    return { samples, wrong: this.#wrong };
  }

  /** A client that stays: small calls, now and then a large one or one that takes its time. */
  async #work(client: Official): Promise<void> {
    while (!this.#over) {
      const text = `call ${++this.#calls}`;
      if (this.#random.chance(0.02)) {
        const found = await this.#ask(client.call("huge", { bytes: LARGE_BYTES }), "huge");
        if (found !== null && found.length !== LARGE_BYTES) this.#fail("huge", found);
      } else if (this.#random.chance(0.05)) {
        this.#expect("slept 50 ms", await this.#ask(client.call("slow", { ms: 50 }), "slow"));
      } else {
        this.#expect(text, await this.#ask(client.call("echo", { text }), text));
      }
      await Bun.sleep(this.#random.below(2 * PAUSE_MS));
    }
  }

  /** Clients that come, call, and leave; every second one without a word. */
  async #visit(): Promise<void> {
    for (let visit = 1; !this.#over; visit++) {
      try {
        const client = await this.#daemon.connect("echo");
        const text = `visit ${visit}`;
        this.#calls++;
        this.#expect(text, await client.call("echo", { text }));
        await client.request("resources/subscribe", { uri: "note://1" });
        if (visit % 2 === 0) await client.close();
      } catch (error) {
        this.#fail(`visit ${visit}`, String(error));
      }
      await Bun.sleep(VISIT_PAUSE_MS);
    }
  }

  /** A server that dies every few seconds, as some do. */
  async #crash(): Promise<void> {
    const client = await this.#daemon.connect("fragile");
    while (!this.#over) {
      this.#calls++;
      await client.call("crash").catch(() => null);
      const text = `after ${this.#calls}`;
      // While it waits for its next start it may refuse; it must not answer wrongly.
      const found = await client.call("echo", { text }).catch(() => text);
      this.#expect(text, found);
      await Bun.sleep(5_000);
    }
  }

  async #ask(answer: Promise<string>, what: string): Promise<string | null> {
    return await answer.catch((error: unknown) => {
      this.#fail(what, String(error));
      return null;
    });
  }

  #expect(wanted: string, got: string | null): void {
    if (got !== null && got !== wanted) this.#fail(wanted, got);
  }

  #fail(what: string, got: string): void {
    this.#wrong.push(`${what}: ${got.slice(0, 200)}`);
  }

  async #watch(untilMs: number): Promise<Extremes> {
    let [lowestBytes, highestBytes] = [Number.POSITIVE_INFINITY, 0];
    do {
      const { anonymousBytes } = privateMemory([this.#daemon.pid]);
      lowestBytes = Math.min(lowestBytes, anonymousBytes);
      highestBytes = Math.max(highestBytes, anonymousBytes);
      await Bun.sleep(WATCH_MS);
    } while (performance.now() < untilMs && !this.#options.signal.aborted);
    return { lowestBytes, highestBytes };
  }

  async #sample(minute: number, memory: Extremes): Promise<Sample> {
    const { pid, home } = this.#daemon;
    const status = await statusOf(home);
    const fragile = status?.upstreams.find(({ name }) => name === "fragile");
    return {
      minute,
      ...memory,
      proportionalBytes: groupBytes([pid]),
      sessions: status?.sessions ?? 0,
      files: readdirSync(`/proc/${pid}/fd`).length,
      calls: this.#calls,
      restarts: fragile?.restarts ?? 0,
    };
  }
}
