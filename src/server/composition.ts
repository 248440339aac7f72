// The composition root of the server: everything is made here, given what it needs, and taken down
// in the opposite order.

import type { ConfigStore } from "../config/store.ts";
import type { ControlApi, Status } from "../control/api.ts";
import type { ControlHandlers } from "../control/host.ts";
import { isOnTrial } from "../control/trial.ts";
import { Conditions } from "../core/condition.ts";
import { fault } from "../core/fault.ts";
import { plan } from "../core/plan.ts";
import type { Revision } from "../core/revision.ts";
import { Switchboard } from "../core/switchboard.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { StdioStreams } from "../transport/stdio-server.ts";
import { VERSION } from "../version.ts";
import { type ControlDoor, openControl } from "./control-door.ts";
import type { LiveDesk } from "./desk.ts";
import { openDoors } from "./doors.ts";
import type { FrontDoor } from "./front-door.ts";
import { controlHandlers } from "./handlers.ts";
import type { Address } from "./http.ts";
import { Insider } from "./insider.ts";
import { LogBook } from "./log-book.ts";
import { makeDesk } from "./make-desk.ts";
import { Metrics } from "./metrics.ts";
import { newQuestionId, newSecretName } from "./names.ts";
import type { ServerOptions } from "./options.ts";
import { RemoteFactory } from "./remote-instance.ts";
import { type Applied, Revisions } from "./revisions.ts";
import { Security } from "./security.ts";
import { buildStatus, type StatusSources } from "./status.ts";
import { serveStdio } from "./stdio-door.ts";
import { StdioFactory } from "./stdio-instance.ts";
import { Stores } from "./stores.ts";
import { builtinTools } from "./tools.ts";

/** The first clients have been answered by then: what can wait is done. */
const STARTED_MS = 50;

/** How often idle sessions and instances are looked for, and removed logs. */
const SWEEP_MS = 5_000;

/** How long a daemon with a bug waits for its processes to end: they have been told twice. */
const LAST_MS = 4_000;

/** Everything that serves; `undo` takes it down again. */
export class Server {
  readonly #options: ServerOptions;
  readonly #undo: AsyncDisposableStack;
  readonly #clock: Clock = systemClock;
  readonly #startedAtMs = systemClock.now();
  readonly #startedMs = systemClock.monotonic();
  readonly #uptimeMs = (): number => this.#clock.monotonic() - this.#startedMs;
  readonly #conditions = new Conditions();
  readonly #stores: Stores;
  readonly #switchboard = new Switchboard(
    { name: "mcpd", version: VERSION },
    {
      newName: newSecretName,
      newQuestionId,
      recall: (unit) => this.#stores.memory.recall(unit),
      shelf: () => this.#stores.results,
      secretMark: (unit) => this.#stores.secrets.of(unit),
    },
  );
  readonly #metrics: Metrics;
  readonly #book: LogBook;
  readonly #log: Log;
  readonly #revisions: Revisions;
  readonly #desk: LiveDesk;
  readonly #security: Security;
  readonly #stdio: StdioFactory;
  readonly #remote: RemoteFactory;
  readonly #insider: Insider;
  readonly #messageBytesMax = (): number => this.revision.server.messageBytesMax;
  #control: ControlDoor | null = null;
  #front: FrontDoor | null = null;

  constructor(options: ServerOptions, store: ConfigStore, undo: AsyncDisposableStack) {
    this.#options = options;
    this.#undo = undo;
    const { platform, environment, alone } = options;
    const clock = this.#clock;
    const conditions = this.#conditions;
    this.#metrics = new Metrics({
      connections: () => this.#desk.sessionCount,
      instances: () => this.#switchboard.instances,
      results: () => this.#stores.results,
    });
    this.#book = new LogBook({ platform, clock, environment, mirror: options.mirrorLog });
    this.#log = this.#book.logger("mcpd.server");
    this.#revisions = new Revisions({
      store,
      conditions,
      clock,
      log: this.#log,
      apply: (before, next) => this.#apply(before, next),
      watch: !options.supervised,
    });
    const { daemon } = this.revision;
    this.#book.configure(daemon);
    this.#security = new Security({ daemon, environment, conditions, clock });
    const shared = { platform, environment, clock, book: this.#book };
    const keyVariable = (): string => this.revision.daemon.apiKeyEnv;
    this.#stdio = new StdioFactory({ ...shared, keyVariable, alone });
    this.#remote = new RemoteFactory(shared);
    this.#stores = new Stores({
      ...shared,
      log: this.#log,
      conditions,
      switchboard: () => this.#switchboard,
      sessionIdleMs: () => this.revision.server.sessionIdleMs,
    });
    this.#desk = makeDesk({
      switchboard: this.#switchboard,
      metrics: this.#metrics,
      stores: this.#stores,
      conditions,
      clock,
      log: this.#log,
      settings: () => this.revision.server,
      kinds: {
        stdio: this.#stdio,
        remote: this.#remote,
        tools: () => builtinTools(this.#insider, conditions, this.#statusSources()),
      },
    });
    this.#insider = new Insider(this.#desk);
  }

  get revision(): Revision {
    return this.#revisions.current;
  }

  /** The file may be another one: reads it. */
  readConfig(): Applied {
    return this.#revisions.reload();
  }

  status(): Promise<Status> {
    return buildStatus(this.#statusSources(), true);
  }

  urls(): Status["urls"] {
    return this.#front?.urls ?? null;
  }

  /** Nothing is trusted any more but the list of what we have started. */
  async crash(bug: unknown): Promise<void> {
    this.#book.bug(bug);
    const ended = Promise.allSettled([this.#desk.pool.close(), this.#stdio.endAll()]);
    await Promise.race([ended, this.#clock.sleep(LAST_MS)]);
  }

  async open(): Promise<void> {
    const { alone, platform } = this.#options;
    this.#undo.defer(() => this.#book.open());
    this.#undo.defer(() => this.#revisions.close());
    this.#undo.defer(() => this.#stores.close());
    if (!alone) await this.#desk.hold.begin(() => isOnTrial(platform, this.#clock), this.#clock);
    // First of all: a second daemon of this user stops here, before it touches even the log.
    if (!alone) this.#control = await this.#openControl();
    this.#log.info("starting", { version: VERSION, pid: process.pid, config: this.revision.path });
    this.#undo.defer(() => this.#log.info("stopped"));
    const started = this.#clock.after(STARTED_MS, () => this.#book.open());
    this.#undo.defer(() => started.cancel());
    this.#undo.defer(() => this.#control?.close());
    this.#revisions.open();
    await this.#stdio.sweep();
    // From the bottom up: clients are answered, doors close, processes end.
    this.#undo.defer(() => this.#desk.pool.close());
    if (!alone) this.#openFront();
    this.#undo.defer(() => this.#desk.close());
    this.#follow(this.revision);
    const sweep = this.#clock.every(SWEEP_MS, () => {
      this.#desk.sweep();
      this.#book.renew();
    });
    this.#undo.defer(() => sweep.cancel());
  }

  /** Serves a client on our standard streams until it has gone and was given what it was owed. */
  async speak(streams: StdioStreams, project: string | null): Promise<void> {
    await serveStdio({
      desk: this.#desk,
      handlers: this.handlers(),
      streams,
      project,
      messageBytesMax: this.#messageBytesMax,
      clock: this.#clock,
      log: this.#log.child("stdio"),
      busy: () => this.#switchboard.sessions.some(({ pending }) => pending.size > 0),
    });
  }

  /** The answers to what control/api.ts lists. */
  handlers(): ControlHandlers {
    return controlHandlers({
      switchboard: this.#switchboard,
      insider: this.#insider,
      results: this.#stores.results,
      metrics: this.#metrics,
      status: this.#statusSources(),
      apply: () => Promise.resolve(this.#reload()),
    });
  }

  #openControl(): Promise<ControlDoor> {
    return openControl({
      address: this.#options.platform.paths.controlAddress,
      desk: this.#desk,
      messageBytesMax: this.#messageBytesMax,
      handlers: this.handlers(),
      clock: this.#clock,
      log: this.#log,
    });
  }

  #openFront(): void {
    const { front, close } = openDoors({
      desk: this.#desk,
      gate: this.#security.gate,
      metrics: this.#metrics,
      conditions: this.#conditions,
      clock: this.#clock,
      log: this.#log.child("http"),
      uptimeMs: this.#uptimeMs,
      address: this.#address(this.revision),
      messageBytesMax: this.#messageBytesMax,
      announcementFile: this.#options.platform.paths.announcementFile,
    });
    this.#front = front;
    this.#undo.defer(close);
  }

  /** Somebody says that something has changed: the config, a login, a secret. */
  #reload(): ControlApi["mcpd/apply"]["result"] {
    const applied = this.#revisions.reload();
    this.#desk.retry();
    return applied;
  }

  #apply(before: Revision, next: Revision): void {
    const { actions, changes } = plan(before, next);
    const { enabled } = next.daemon;
    for (const { kind, unit } of actions) {
      if (kind === "keep" || !enabled) continue;
      // What belongs to a project or a session starts when one asks for it.
      const event = kind === "start" && unit.scope !== "user" ? "added" : kind;
      this.#log.info(`upstream: ${event}`, { upstream: unit.upstream });
    }
    for (const change of changes) this.#log.info(`changed: ${change}`);
    this.#book.configure(next.daemon);
    this.#book.keep(new Set(next.units.map(({ upstream }) => upstream)));
    this.#security.update(next.daemon);
    this.#follow(next);
    if (!enabled) return;
    // At once, so that a slip shows now, and those who were shown the tools hear of new ones.
    for (const { kind, unit } of actions) if (kind === "start") this.#desk.start(unit);
  }

  /** Serves what a revision names; one that is disabled gets no listener, client or instance. */
  #follow(revision: Revision): void {
    // The switch is the daemon's; whoever is alone was started on purpose.
    const enabled = revision.daemon.enabled || this.#options.alone;
    const problem = enabled ? null : fault("daemon.disabled");
    if (problem === null) this.#desk.admit();
    else this.#desk.refuse(problem, "the daemon is disabled");
    this.#desk.apply(
      enabled ? revision.units : revision.units.map((unit) => ({ ...unit, disabled: true })),
      revision.clients,
    );
    void this.#front?.move(this.#address(revision));
    if (problem === null) return void this.#conditions.clear("daemon.disabled");
    this.#control?.hangUp();
    this.#conditions.report(problem, this.#clock.now(), { severity: "info" });
  }

  #address({ daemon }: Revision): Address | null {
    if (!daemon.enabled) return null;
    return { host: daemon.host, port: this.#options.port ?? daemon.port };
  }

  #statusSources(): StatusSources {
    return {
      switchboard: this.#switchboard,
      pool: this.#desk.pool,
      metrics: this.#metrics,
      conditions: this.#conditions,
      clock: this.#clock,
      platform: this.#options.platform,
      startedAtMs: this.#startedAtMs,
      uptimeMs: this.#uptimeMs,
      revision: () => this.revision,
      urls: () => this.urls(),
    };
  }
}
