import type { Reach, Unit } from "./unit.ts";
import type { Upstream } from "./upstream.ts";

/** The units of the replicas of a unit; empty where there is only one. */
export function replicaUnits(unit: Unit): readonly Unit[] {
  const reaches = reachesOf(unit.reach);
  if (reaches.length === 1) return [];
  return reaches.map((reach, index) => ({ ...unit, key: replicaKey(unit, index + 1), reach }));
}

/** The key of a replica by its number. */
export function replicaKey({ key }: Unit, number: number): string {
  return `${key}#${number}`;
}

/** Whether something of what runs for a unit runs for the next one as well: that can stay. */
export function sharesReplicas(unit: Unit, next: Unit): boolean {
  if (unit.scope !== next.scope || unit.era !== next.era) return false;
  const reaches = reachesOf(unit.reach).map((reach) => JSON.stringify(reach));
  return reachesOf(next.reach).some((reach) => reaches.includes(JSON.stringify(reach)));
}

/** The number of a replica, by which it is known as long as it runs; null for what is none. */
export function replicaNumber({ group, key }: Upstream): number | null {
  // The directory of a project may end like that as well.
  const [, number] = (group === null ? null : /#(\d+)$/.exec(key)) ?? [];
  return number === undefined ? null : Number(number);
}

/**
 * Who of some replicas is which of a newer unit, in its order, and the unit each has then.
 * undefined is one that has to be made, under a number that nobody has had.
 */
export function matchReplicas(
  members: readonly Upstream[],
  unit: Unit,
): readonly { readonly member: Upstream | undefined; readonly unit: Unit }[] {
  const free = [...members];
  const matched = reachesOf(unit.reach).map((reach) => {
    const text = JSON.stringify(reach);
    const at = free.findIndex((member) => JSON.stringify(member.unit.reach) === text);
    return { reach, member: at < 0 ? undefined : free.splice(at, 1)[0] };
  });
  let last = Math.max(0, ...members.map((member) => replicaNumber(member) ?? 0));
  return matched.map(({ reach, member }) => {
    const key = member?.key ?? replicaKey(unit, ++last);
    return { member, unit: { ...unit, key, reach } };
  });
}

/** How each instance of a unit is reached. */
function reachesOf(reach: Reach): readonly Reach[] {
  if (reach.kind === "stdio" && reach.replicas !== undefined) {
    const { replicas, ...one } = reach;
    return Array.from({ length: replicas }, () => one);
  }
  if (reach.kind === "remote" && reach.others !== undefined) {
    const { others, ...first } = reach;
    return [first, ...others.map((url) => ({ ...first, url }))];
  }
  return [reach];
}
