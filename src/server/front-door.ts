import type { Status } from "../control/api.ts";
import type { Conditions } from "../core/condition.ts";
import { type Fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { isLoopback, urlHost } from "../lib/address.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { type Address, type App, listen, type Listener } from "./http.ts";

type Urls = Status["urls"];

/**
 * The TCP listener over time: an address that cannot be had is a condition and is tried again, a
 * changed one moves the listener.
 */
export class FrontDoor {
  readonly #app: App;
  readonly #conditions: Conditions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #announce: (urls: Urls) => void;
  /** Where it listens or tries to, and where it should; null is nowhere. */
  #address: Address | null = null;
  #wanted: Address | null = null;
  #listener: Listener | null = null;
  #retry: Timer | null = null;
  #moves: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: {
    readonly app: App;
    readonly conditions: Conditions;
    readonly clock: Clock;
    readonly log: Log;
    /** Told whenever the addresses for clients change. */
    readonly announce: (urls: Urls) => void;
  }) {
    this.#app = options.app;
    this.#conditions = options.conditions;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#announce = options.announce;
  }

  /** The addresses for clients, with the port it really got; null while it does not listen. */
  get urls(): Urls {
    if (this.#listener === null || this.#address === null) return null;
    const base = `http://${urlHost(this.#address.host)}:${this.#listener.port}`;
    return { mcp: `${base}/mcp`, sse: `${base}/sse`, health: `${base}/health` };
  }

  /** Starts to listen, as part of the start. */
  open(address: Address | null): void {
    this.#wanted = address;
    this.#address = address;
    this.#listen();
  }

  /** Moves to another address, or to none; what is open on the old one is dropped. */
  move(address: Address | null): Promise<void> {
    this.#wanted = address;
    // One after the other: the second of two at once would lose the listener of the first.
    this.#moves = this.#moves.then(() => this.#follow());
    return this.#moves;
  }

  /** Stops listening for good: at once, or when all requests have been answered. */
  async close(now: boolean): Promise<void> {
    this.#closed = true;
    await this.#moves;
    await this.#stop(now);
  }

  async #follow(): Promise<void> {
    if (this.#closed || isSame(this.#address, this.#wanted)) return;
    await this.#stop(true);
    this.#address = this.#closed ? null : this.#wanted;
    this.#conditions.clear("daemon.exposed");
    this.#listen();
  }

  async #stop(now: boolean): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    const listener = this.#listener;
    if (now) this.#listener = null;
    this.#announce(null);
    await listener?.stop(now);
  }

  #listen(): void {
    const problems = ["port.in-use", "host.unavailable"] as const;
    const listener = this.#address && listen(this.#app, this.#address, reportError);
    const problem = isFault(listener) ? listener : null;
    for (const name of problems) if (name !== problem?.code) this.#conditions.clear(name);
    if (listener === null || this.#address === null) return;
    if (isFault(listener)) return this.#tryAgain(listener);
    this.#listener = listener;
    this.#announce(this.urls);
    const { host } = this.#address;
    this.#judgeHost(host);
    this.#log.info("listening", { host, port: listener.port });
  }

  #tryAgain(problem: Fault): void {
    if (this.#conditions.report(problem, this.#clock.now())) this.#log.error(problem.text);
    this.#retry = this.#clock.after(LIMITS.portRetryMs, () => this.#listen());
  }

  #judgeHost(host: string): void {
    if (isLoopback(host)) return void this.#conditions.clear("daemon.exposed");
    const text = `mcpd listens on ${host}: other machines can reach your MCP servers`;
    this.#log.warning(text);
    this.#conditions.raise({
      name: "daemon.exposed",
      subject: "",
      severity: "warning",
      text,
      hint: 'Set daemon.host to "127.0.0.1" and use an SSH tunnel for remote access.',
      sinceMs: this.#clock.now(),
    });
  }
}

function isSame(one: Address | null, other: Address | null): boolean {
  return one?.host === other?.host && one?.port === other?.port;
}
