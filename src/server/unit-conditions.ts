import type { Conditions } from "../core/condition.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";

/**
 * Raises what is to be said about the units of a revision, and forgets what was said about those
 * that left or were switched off.
 */
export function judgeUnits(conditions: Conditions, clock: Clock, units: readonly Unit[]): void {
  conditions.clearName("upstream.scope");
  for (const { upstream, scope, disabled } of units) {
    // Scopes other than "user" come later: until then the user is told what is shared.
    if (scope === "user" || disabled) continue;
    conditions.raise({
      name: "upstream.scope",
      subject: upstream,
      severity: "warning",
      text: `Upstream "${upstream}" has scope "${scope}", but this version shares it with all`,
      hint: 'Set its scope to "user" if that is what you want.',
      sinceMs: clock.now(),
    });
  }
  const live = new Set(units.filter((unit) => !unit.disabled).map((unit) => unit.upstream));
  for (const { name, subject } of conditions.list()) {
    if (name === "upstream.failed" && !live.has(subject)) conditions.clear(name, subject);
  }
}
