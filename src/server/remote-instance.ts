import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";
import type { LogFile } from "../lib/log-file.ts";
import { oneLine, timestamp } from "../lib/log-format.ts";
import type { Platform } from "../platform/platform.ts";
import { Driver, type DriverDeps, type DriverEvents } from "../supervise/driver.ts";
import { resolveRemote } from "../supervise/remote-target.ts";
import type { Link } from "../transport/link.ts";
import type { Login, RemoteDeps, RemoteEvents, RemoteTarget } from "../transport/remote.ts";
import { DrivenInstance } from "./driven-instance.ts";
import type { Instance, InstanceEvents } from "./instance.ts";
import type { LogBook } from "./log-book.ts";
import { StoredLogin } from "./oauth-login.ts";
import { CredentialStore } from "./oauth-store.ts";

type RemoteOptions = {
  readonly platform: Platform;
  readonly environment: { readonly [name: string]: string | undefined };
  readonly clock: Clock;
  readonly book: LogBook;
};

/** Makes the instances that are connections to servers elsewhere. */
export class RemoteFactory {
  readonly #options: RemoteOptions;

  constructor(options: RemoteOptions) {
    this.#options = options;
  }

  create(unit: Unit, answerBytesMax: () => number, events: InstanceEvents): Instance {
    const { book, clock } = this.#options;
    const deps = { ...this.#options, random: Math.random, answerBytesMax };
    const log = book.upstreamFile(unit.upstream);
    const drive = (driverEvents: DriverEvents): RemoteRunner =>
      new RemoteRunner(unit, { ...deps, log }, driverEvents);
    return new DrivenInstance(drive, events, clock);
  }
}

type RunnerDeps = DriverDeps &
  Omit<RemoteDeps, "login"> &
  Pick<RemoteOptions, "platform" | "environment"> & {
    /** The log of this upstream: what a process would have printed. */
    readonly log: LogFile;
  };

/** Keeps the connection to one remote unit alive as the lifecycle machine decides. */
class RemoteRunner extends Driver {
  readonly pid = null;
  readonly #deps: RunnerDeps;
  #link: Link | null = null;

  constructor(unit: Unit, deps: RunnerDeps, events: DriverEvents) {
    super(unit, deps, events);
    this.#deps = deps;
  }

  protected terminate(): void {
    this.#link?.close({ kind: "local", text: "mcpd closed the connection" });
  }

  protected async live(ending: AbortSignal): Promise<Fault> {
    const { environment, platform } = this.#deps;
    const { upstream } = this.unit;
    // Read now and not earlier: a rotated secret shows with the next connection.
    const target = await resolveRemote(this.unit, { environment, platform, ending });
    if (isFault(target)) return this.#tell(target);
    const open = await opener(target.wire);
    if (ending.aborted) return fault("upstream.failed", "mcpd stopped it", upstream);
    const ended = Promise.withResolvers<Fault>();
    this.#link = open(
      target,
      { ...this.#deps, login: this.#login(target) },
      {
        message: (text) => this.events.message(text),
        noise: (text, cut) => this.events.noise(text, cut),
        closed: (problem) => ended.resolve(problem),
      },
    );
    this.#say("INFO", `connecting to ${target.shown}`);
    this.events.opened(this.#link);
    const problem = await ended.promise;
    this.#link = null;
    return this.#tell(problem);
  }

  /** Who says who we are himself is not asked to log in; a WebSocket cannot be asked. */
  #login({ url, headers, upstream, wire }: RemoteTarget): Login | null {
    if (headers["authorization"] !== undefined || wire === "ws") return null;
    const { clock, platform } = this.#deps;
    const store = new CredentialStore(platform.paths.keptDir, upstream, url, clock);
    return new StoredLogin(upstream, store, clock);
  }

  #tell(problem: Fault): Fault {
    this.#say(this.state.kind === "stopping" ? "INFO" : "ERROR", problem.text);
    return problem;
  }

  #say(level: "INFO" | "ERROR", text: string): void {
    const { clock, log } = this.#deps;
    log.write(`${timestamp(clock.now())} - ${level} - ${oneLine(text)}`);
  }
}

type Open = (target: RemoteTarget, deps: RemoteDeps, events: RemoteEvents) => Link;

/** A daemon without remote upstreams loads none of this. */
async function opener(wire: RemoteTarget["wire"]): Promise<Open> {
  switch (wire) {
    case "http": {
      const { HttpOrSseLink } = await import("../transport/http-or-sse.ts");
      return (target, deps, events) => new HttpOrSseLink(target, deps, events);
    }
    case "sse": {
      const { SseClientLink } = await import("../transport/sse-client.ts");
      return (target, deps, events) => new SseClientLink(target, deps, events);
    }
    case "ws": {
      const { WsClientLink } = await import("../transport/ws-client.ts");
      return (target, deps, events) => new WsClientLink(target, deps, events);
    }
  }
}
