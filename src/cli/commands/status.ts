import { discoverConfig } from "../../config/discover.ts";
import type { Status } from "../../control/api.ts";
import type { BootstrapStatus } from "../../control/supervision.ts";
import type { Condition } from "../../core/condition.ts";
import { FaultError, FAULTS } from "../../core/fault.ts";
import { systemClock } from "../../lib/clock.ts";
import { command } from "../command.ts";
import { askBootstrap, here, withDaemon } from "../here.ts";
import { bootstrapView, statusView } from "../status-view.ts";

const WATCH_MS = 1000;
/** Then it hangs, or the machine does; the bootstrap knows more. */
const HUNG_MS = 5_000;
/** The exit code of daemon.unreachable. */
const DOWN = FAULTS["daemon.unreachable"].exit;
/** A bootstrap that does not answer at once has nothing that the server's status must wait for. */
const ASIDE_MS = 500;

export default command({
  meta: {
    name: "status",
    description: "Show the daemon, its upstreams and what needs attention.",
  },
  args: {
    watch: { type: "boolean", alias: "w", description: "Show it again every second" },
    memory: { type: "boolean", alias: "m", description: "Measure the memory of each upstream" },
  },
  examples: [
    { line: "mcpd status", text: "Is it running, and what is wrong?" },
    { line: "mcpd status --watch", text: "Watch it until Ctrl-C" },
    { line: "mcpd status --json", text: "The same for scripts" },
  ],
  async execute({ args, options, output }) {
    const measure = args.memory || args.watch;
    const asked = askedConfig(options.config);
    for (;;) {
      const found = await look(measure);
      const known = asked !== null && isServer(found);
      const seen = known ? { ...found, config: { ...found.config, asked } } : found;
      if (!options.json) {
        const text = isServer(seen)
          ? statusView(seen, output.paint, await output.width(), asked)
          : bootstrapView(seen, output.paint);
        if (args.watch) output.redraw(text);
        else output.print(text);
      } else if (args.watch) {
        // One line per look, so that a reader can tell them apart.
        output.print(JSON.stringify(seen));
      } else {
        output.json(seen);
      }
      if (!args.watch || output.closed) return isServer(seen) || isOff(seen) ? 0 : DOWN;
      await systemClock.sleep(WATCH_MS);
    }
  },
});

/** There is one daemon for each user: the one found may run with another config than --config. */
function askedConfig(flag: string | undefined): string | null {
  if (flag === undefined) return null;
  return discoverConfig({ flag, env: process.env, paths: here().paths }).path;
}

/** The daemon's own status, or what its bootstrap knows while there is no server. */
async function look(measure: boolean): Promise<Status | BootstrapStatus> {
  try {
    const params = measure ? { measure } : {};
    const [status, bootstrap] = await Promise.all([
      withDaemon((daemon) => daemon.request("mcpd/status", params, { timeoutMs: HUNG_MS })),
      askBootstrap("mcpd/bootstrap", ASIDE_MS).catch(() => null),
    ]);
    return bootstrap?.server.pid === status.pid ? withConditions(status, bootstrap) : status;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const { code, text } = error.fault;
    const hangs = code === "exchange.timed-out";
    if (!hangs && code !== "daemon.unreachable") throw error;
    const status = await askBootstrap("mcpd/bootstrap");
    if (status === null) throw error;
    return hangs ? { ...status, conditions: [...status.conditions, hung(text)] } : status;
  }
}

function hung(text: string): Condition {
  const hint = "One that stays so is ended and started again: see 'mcpd daemon logs'.";
  const sinceMs = systemClock.now();
  return { name: "server.hung", subject: "", severity: "error", text, hint, sinceMs };
}

/** What only the bootstrap knows: that the server keeps ending, that the program was replaced. */
function withConditions(status: Status, { conditions }: BootstrapStatus): Status {
  const known = new Set(status.conditions.map(({ name }) => name));
  const more = conditions.filter(({ name }) => !known.has(name));
  return more.length === 0 ? status : { ...status, conditions: [...status.conditions, ...more] };
}

function isServer(seen: Status | BootstrapStatus): seen is Status {
  return "upstreams" in seen;
}

/** Somebody wants it so. */
function isOff({ server }: BootstrapStatus): boolean {
  return server.state === "disabled";
}
