import { sharesReplicas } from "./replica-units.ts";
import type { DaemonSettings, Revision, ServerSettings } from "./revision.ts";
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

/** A setting of the daemon itself that differs, and what it takes to apply it. */
export type SettingChange = {
  readonly section: "daemon" | "server";
  readonly key: keyof DaemonSettings | keyof ServerSettings;
  readonly applies: "live" | "restart";
};

export type Plan = {
  /** In the order to carry out, which is that of ORDER; else as in the config. */
  readonly actions: readonly Action[];
  readonly changes: readonly SettingChange[];
};

/** Settings that are bound once, when the server starts. Everything else applies live. */
export const RESTART_SETTINGS: ReadonlySet<string> = new Set<keyof DaemonSettings>([
  "host",
  "port",
]);

const ORDER = ["start", "replace", "members", "settings", "stop", "keep"] as const;

/**
 * What has to happen to go from one revision to the next (MISSION A8: only what changed restarts).
 * A disabled unit counts as absent. `running` names the units that are really there; by default all
 * the enabled ones of `old`, so that a unit which got lost is started again.
 */
export function plan(
  old: Revision | null,
  next: Revision,
  running: ReadonlySet<UnitKey> = new Set(enabled(old).keys()),
): Plan {
  const before = enabled(old);
  const after = enabled(next);
  const actions: Action[] = [];
  for (const unit of after.values()) {
    const previous = running.has(unit.key) ? before.get(unit.key) : undefined;
    actions.push({ kind: actionFor(previous, unit), unit });
  }
  for (const unit of before.values()) {
    if (running.has(unit.key) && !after.has(unit.key)) actions.push({ kind: "stop", unit });
  }
  actions.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return { actions, changes: old === null ? [] : changesBetween(old, next) };
}

/** What has to happen to one enabled unit, given what runs in its place. */
export function actionFor(previous: Unit | undefined, unit: Unit): Exclude<Action["kind"], "stop"> {
  if (previous === undefined) return "start";
  if (previous.hash !== unit.hash) return sharesReplicas(previous, unit) ? "members" : "replace";
  return same(previous.settings, unit.settings) ? "keep" : "settings";
}

function changesBetween(old: Revision, next: Revision): SettingChange[] {
  const changes: SettingChange[] = [];
  for (const key of keysOf(next.daemon)) {
    if (same(old.daemon[key], next.daemon[key])) continue;
    const applies = RESTART_SETTINGS.has(key) ? "restart" : "live";
    changes.push({ section: "daemon", key, applies });
  }
  for (const key of keysOf(next.server)) {
    if (same(old.server[key], next.server[key])) continue;
    changes.push({ section: "server", key, applies: "live" });
  }
  return changes;
}

function enabled(revision: Revision | null): ReadonlyMap<UnitKey, Unit> {
  const units = revision?.units.filter((unit) => !unit.disabled) ?? [];
  return new Map(units.map((unit) => [unit.key, unit]));
}

/** Both come out of the same resolver, so equal values have their keys in equal order. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function keysOf<T extends object>(value: T): readonly (keyof T)[] {
  return Object.keys(value) as (keyof T)[];
}
