import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Unit } from "../core/unit.ts";
import type { LogFile } from "../lib/log-file.ts";
import type { Log } from "../lib/log.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import type { Link, LinkEvents } from "../transport/link.ts";
import {
  Child,
  type Exit,
  isDirectory,
  spawnChild,
  STOP_POLICY,
  type StopPolicy,
} from "./child.ts";
import { Driver, type DriverDeps, type DriverEvents } from "./driver.ts";
import { resolveLaunch } from "./environment.ts";
import { type Ledger, MARKER_VARIABLE } from "./ledger.ts";
import type { LoginPath } from "./login-path.ts";
import { StderrLog } from "./stderr-log.ts";

/** How long output that is already on its way may take once the process is gone. */
const LAST_OUTPUT_MS = 250;

export type RunnerDeps = DriverDeps & {
  readonly platform: Platform;
  readonly environment: Environment;
  /** Variable of the daemon's own API key, as the config of the moment names it. */
  readonly keyVariable?: () => string;
  readonly loginPath: Pick<LoginPath, "get">;
  readonly ledger: Pick<Ledger, "add" | "remove">;
  readonly log: Log;
  /** The log of this upstream's standard error. */
  readonly stderr: LogFile;
  readonly openLink: (child: Child, events: LinkEvents) => Link;
  readonly stop?: StopPolicy;
};

/** Keeps the process of one stdio unit alive as the lifecycle machine decides. */
export class Runner extends Driver {
  readonly #deps: RunnerDeps;
  #child: Child | null = null;

  constructor(unit: Unit, deps: RunnerDeps, events: DriverEvents) {
    super(unit, deps, events);
    this.#deps = deps;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  protected terminate(): void {
    const child = this.#child;
    // What was sent in this turn leaves first: it may be the cancel of a call.
    if (child !== null) setImmediate(() => void child.stop());
  }

  protected async live(ending: AbortSignal): Promise<Fault> {
    const { clock, environment, ledger, log, loginPath, platform, stop } = this.#deps;
    const { upstream, project } = this.unit;
    if (project !== undefined && !isDirectory(project)) {
      const text = `Cannot start upstream "${upstream}": the project ${project} is no directory`;
      return fault("project.unknown", text, project);
    }
    const path = await loginPath.get();
    const keyVariable = this.#deps.keyVariable?.();
    const deps = { environment, platform, path, keyVariable, ending };
    const launch = await resolveLaunch(this.unit, deps);
    if (ending.aborted) return exitFault(upstream, { kind: "stopped" });
    if (isFault(launch)) return launch;
    const marker = crypto.randomUUID();
    const child = spawnChild(
      { ...launch, env: { ...launch.env, [MARKER_VARIABLE]: marker } },
      { platform, clock, stop: stop ?? STOP_POLICY },
    );
    if (!(child instanceof Child)) return child;
    this.#child = child;
    log.info("upstream process started", { upstream, pid: child.pid });
    const noted = ledger.add(child.pid, upstream, marker);
    const stderr = new StderrLog(child.stderr, this.#deps.stderr, clock);
    const linked = this.#link(child);
    const exit = await child.gone;
    await Promise.race([Promise.all([stderr.done, linked.closed]), clock.sleep(LAST_OUTPUT_MS)]);
    linked.link.close({ kind: "remote", text: "the process is gone" });
    stderr.close();
    this.#deps.stderr.close();
    await noted;
    ledger.remove(child.pid);
    this.#child = null;
    log.info("upstream process ended", { upstream, pid: child.pid, cause: causeOf(exit) });
    return exitFault(upstream, exit);
  }

  #link(child: Child): { readonly link: Link; readonly closed: Promise<void> } {
    const closed = Promise.withResolvers<void>();
    const link = this.#deps.openLink(child, {
      message: (wire) => this.events.message(wire),
      noise: (text, cut) => this.events.noise(text, cut),
      closed: ({ text }) => {
        closed.resolve();
        this.#deps.clock.after(LAST_OUTPUT_MS, () => this.#missLink(child, text));
      },
    });
    this.events.opened(link);
    return { link, closed: closed.promise };
  }

  /** A process that lives on without its link is of no use. */
  #missLink(child: Child, why: string): void {
    if (this.#child !== child || !child.alive()) return;
    const { upstream } = this.unit;
    const text = `Upstream "${upstream}" broke its connection but did not exit: ${why}`;
    this.handle({ kind: "refused", problem: fault("upstream.broken-answer", text, upstream) });
  }
}

function exitFault(upstream: string, exit: Exit): Fault {
  return fault("upstream.failed", `Upstream "${upstream}" is gone: ${causeOf(exit)}`, upstream);
}

function causeOf(exit: Exit): string {
  switch (exit.kind) {
    case "stopped":
      return "mcpd stopped it";
    case "exited":
      return `it exited with code ${exit.code}`;
    case "killed":
      return `it was killed by ${exit.signal}`;
  }
}
