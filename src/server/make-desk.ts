import type { Conditions } from "../core/condition.ts";
import type { ServerSettings } from "../core/revision.ts";
import type { Switchboard } from "../core/switchboard.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { BuiltinInstance, type BuiltinTool } from "./builtin.ts";
import { LiveDesk } from "./desk.ts";
import { Journal } from "./journal.ts";
import type { Metrics } from "./metrics.ts";
import { type InstanceFactory, Pool } from "./pool.ts";
import type { RemoteFactory } from "./remote-instance.ts";
import type { StdioFactory } from "./stdio-instance.ts";
import type { Stores } from "./stores.ts";

/** How each kind of instance is made. */
type Kinds = {
  readonly stdio: StdioFactory;
  readonly remote: RemoteFactory;
  readonly tools: () => readonly BuiltinTool[];
};

/** The desk with what it alone needs: the journal, and the pool of what runs units. */
export function makeDesk(options: {
  readonly switchboard: Switchboard;
  readonly metrics: Metrics;
  readonly stores: Stores;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => ServerSettings;
  readonly kinds: Kinds;
}): LiveDesk {
  const { switchboard, metrics, conditions, clock, log, settings } = options;
  const { stdio, remote, tools } = options.kinds;
  const journal = new Journal(log.child("calls"), metrics);
  const answerBytesMax = (): number => settings().answerBytesMax;
  const create: InstanceFactory = (unit, events) => {
    switch (unit.reach.kind) {
      case "stdio":
        return stdio.create(unit, answerBytesMax, events);
      case "remote":
        return remote.create(unit, answerBytesMax, events);
      case "builtin":
        return new BuiltinInstance({ tools: tools(), now: () => clock.monotonic() }, events);
    }
  };
  return new LiveDesk({
    stores: options.stores,
    switchboard,
    clock,
    journal,
    settings,
    pool: (listener) =>
      new Pool({
        create,
        listener,
        conditions,
        clock,
        log: log.child("pool"),
        oddity: (upstream, text) => journal.oddity(upstream, text),
      }),
  });
}
