import type { Conditions } from "../core/condition.ts";
import { hintOf, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { type App, listen, type Listener } from "./http.ts";

/** The address HTTP is served on. */
export type Address = { readonly host: string; readonly port: number };

/**
 * The TCP listener over time: a port in use is a condition and is tried again, a changed address
 * moves the listener.
 */
export class FrontDoor {
  readonly #app: App;
  readonly #conditions: Conditions;
  readonly #clock: Clock;
  readonly #log: Log;
  #listener: Listener | null = null;
  #address: Address;
  #retry: Timer | null = null;

  constructor(options: {
    readonly app: App;
    readonly address: Address;
    readonly conditions: Conditions;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#app = options.app;
    this.#address = options.address;
    this.#conditions = options.conditions;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Where it listens now, with the port it really got; null while it cannot. */
  get bound(): Address | null {
    return this.#listener && { host: this.#address.host, port: this.#listener.port };
  }

  open(): void {
    const { host, port } = this.#address;
    const listener = listen(this.#app, host, port, this.#log);
    if (isFault(listener)) {
      const changed = this.#conditions.raise({
        name: listener.code,
        subject: "",
        severity: "error",
        text: listener.text,
        hint: hintOf(listener),
        sinceMs: this.#clock.now(),
      });
      if (changed) this.#log.error(listener.text);
      this.#retry = this.#clock.after(LIMITS.portRetryMs, () => this.open());
      return;
    }
    this.#listener = listener;
    this.#conditions.clear("port.in-use");
    this.#judgeHost(host);
    this.#log.info("listening", { host, port: listener.port });
  }

  /** Moves to another address; what is open on the old one is dropped. */
  async move(address: Address): Promise<void> {
    if (address.host === this.#address.host && address.port === this.#address.port) return;
    await this.close(true);
    this.#address = address;
    this.open();
  }

  /** Stops listening: at once, or when all requests have been answered. */
  async close(now: boolean): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    const listener = this.#listener;
    if (now) this.#listener = null;
    await listener?.stop(now);
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

/** Whether only this machine can connect to a bind address. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.");
}
