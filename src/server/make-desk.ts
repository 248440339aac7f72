import type { Conditions } from "../core/condition.ts";
import type { ServerSettings } from "../core/revision.ts";
import type { Switchboard } from "../core/switchboard.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { LiveDesk } from "./desk.ts";
import { instanceFactory } from "./instance-factory.ts";
import { Journal } from "./journal.ts";
import type { Metrics } from "./metrics.ts";
import { Pool } from "./pool.ts";
import type { Stores } from "./stores.ts";

type Kinds = Pick<Parameters<typeof instanceFactory>[0], "stdio" | "remote" | "tools">;

/** The desk with what it alone needs: journal, keeper of sessions and pool. */
export function makeDesk(options: {
  readonly switchboard: Switchboard;
  readonly metrics: Metrics;
  readonly stores: Stores;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => ServerSettings;
  /** How each kind of instance is made. */
  readonly kinds: Kinds;
}): LiveDesk {
  const { switchboard, metrics, conditions, clock, log, settings } = options;
  const journal = new Journal(log.child("calls"), metrics);
  return new LiveDesk({
    stores: options.stores,
    switchboard,
    clock,
    journal,
    settings,
    pool: (listener) =>
      new Pool({
        create: instanceFactory({
          ...options.kinds,
          clock,
          answerBytesMax: () => settings().answerBytesMax,
        }),
        listener,
        conditions,
        clock,
        log: log.child("pool"),
        oddity: (upstream, text) => journal.oddity(upstream, text),
      }),
  });
}
