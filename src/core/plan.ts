import { sharesReplicas } from "./replica-units.ts";
import type { Revision } from "./revision.ts";
import type { Unit, UnitKey } from "./unit.ts";

/**
 * One step from a revision to the next. `unit` is as the next revision has it, for "stop" as the
 * old one had it.
 */
export type Action = {
  /**
   * replace: new instance first, then the old one drains. members: replicas come or go, the others
   * stay. settings: swapped without a restart.
   */
  readonly kind: "start" | "replace" | "members" | "settings" | "stop" | "keep";
  readonly unit: Unit;
};

export type Plan = {
  /** As in the config; what stops comes last. */
  readonly actions: readonly Action[];
  /** The settings of the daemon itself that differ, as "section.key". */
  readonly changes: readonly string[];
};

/**
 * What has to happen to go from one revision to the next (MISSION A8: only what changed restarts).
 * A disabled unit counts as absent.
 */
export function plan(old: Revision, next: Revision): Plan {
  const before = enabled(old);
  const after = enabled(next);
  const actions: Action[] = [];
  for (const unit of after.values()) {
    actions.push({ kind: actionFor(before.get(unit.key), unit), unit });
  }
  for (const unit of before.values()) {
    if (!after.has(unit.key)) actions.push({ kind: "stop", unit });
  }
  const changes = [
    ...changesBetween("daemon", old.daemon, next.daemon),
    ...changesBetween("server", old.server, next.server),
  ];
  return { actions, changes };
}

/** What has to happen to one enabled unit, given what runs in its place. */
export function actionFor(previous: Unit | undefined, unit: Unit): Exclude<Action["kind"], "stop"> {
  if (previous === undefined) return "start";
  if (previous.hash !== unit.hash) return sharesReplicas(previous, unit) ? "members" : "replace";
  return same(previous.settings, unit.settings) ? "keep" : "settings";
}

function changesBetween<T extends object>(section: string, old: T, next: T): readonly string[] {
  const keys = Object.keys(next) as (keyof T & string)[];
  return keys.filter((key) => !same(old[key], next[key])).map((key) => `${section}.${key}`);
}

function enabled({ units }: Revision): ReadonlyMap<UnitKey, Unit> {
  return new Map(units.filter(({ disabled }) => !disabled).map((unit) => [unit.key, unit]));
}

/** Both come out of the same resolver, so equal values have their keys in equal order. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
