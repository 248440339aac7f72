import type { Reach, Unit, ValueRef } from "./unit.ts";
import type { Upstream } from "./upstream.ts";

/** Whom one instance is for. */
export type Audience =
  | { readonly kind: "user" }
  | { readonly kind: "project"; readonly root: string }
  | { readonly kind: "session"; readonly id: string; readonly project: string | null };

export const EVERYBODY: Audience = { kind: "user" };

const PROJECT = "{project}";

/** The unit of one project or session: `{project}` is filled in, its directory is the project's. */
export function bindUnit(unit: Unit, audience: Audience): Unit {
  if (audience.kind === "user") return unit;
  const project = audience.kind === "project" ? audience.root : audience.project;
  const key =
    audience.kind === "project"
      ? `${unit.upstream}@${audience.root}`
      : `${unit.upstream}@session ${audience.id}`;
  const reach = bindReach(unit.reach, project);
  const needed = project !== null && needsProject(unit.reach);
  return { ...unit, key, reach, ...(needed ? { project } : {}) };
}

/** The units of the replicas of a unit; empty where there is only one. */
export function replicaUnits(unit: Unit): readonly Unit[] {
  return replicaReaches(unit.reach).map((reach, index) => {
    return { ...unit, key: `${unit.key}#${index + 1}`, reach };
  });
}

/** Whether some replicas of a unit are also replicas of the next one: those can stay. */
export function sharesReplicas(unit: Unit, next: Unit): boolean {
  if (unit.scope !== next.scope || unit.era !== next.era) return false;
  const reaches = replicaReaches(unit.reach).map((reach) => JSON.stringify(reach));
  return replicaReaches(next.reach).some((reach) => reaches.includes(JSON.stringify(reach)));
}

/** The number of a replica, by which it is known as long as it runs; null for what is none. */
export function replicaNumber({ key }: Unit): number | null {
  const [, number] = /#(\d+)$/.exec(key) ?? [];
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
  const matched = replicaUnits(unit).map((wanted) => {
    const reach = JSON.stringify(wanted.reach);
    const at = free.findIndex((member) => JSON.stringify(member.unit.reach) === reach);
    return { wanted, member: at < 0 ? undefined : free.splice(at, 1)[0] };
  });
  let last = Math.max(0, ...members.map((member) => replicaNumber(member.unit) ?? 0));
  return matched.map(({ wanted, member }) => {
    const key = member?.key ?? `${unit.key}#${++last}`;
    return { member, unit: { ...wanted, key } };
  });
}

function replicaReaches(reach: Reach): readonly Reach[] {
  if (reach.kind === "stdio" && reach.replicas !== undefined) {
    const { replicas, ...one } = reach;
    return Array.from({ length: replicas }, () => one);
  }
  if (reach.kind === "remote" && reach.others !== undefined) {
    const { others, ...first } = reach;
    return [first, ...others.map((url) => ({ ...first, url }))];
  }
  return [];
}

/** Whether a reach is a pattern with `{project}` in it. */
export function mentionsProject(reach: Reach): boolean {
  return JSON.stringify(reach).includes(PROJECT);
}

/** Whether a process starts in the project or is told where it is. */
function needsProject(reach: Reach): boolean {
  return reach.kind === "stdio" && (reach.cwd === null || mentionsProject(reach));
}

function bindReach(reach: Reach, project: string | null): Reach {
  if (project === null) return reach;
  const fill = (text: string): string => text.replaceAll(PROJECT, project);
  const fillAll = (values: { readonly [name: string]: ValueRef }): { [name: string]: ValueRef } =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        value.kind === "text" ? { ...value, text: fill(value.text) } : value,
      ]),
    );
  switch (reach.kind) {
    case "stdio":
      return {
        ...reach,
        command: fill(reach.command),
        args: reach.args.map(fill),
        env: fillAll(reach.env),
        cwd: reach.cwd === null ? project : fill(reach.cwd),
      };
    case "remote":
      return {
        ...reach,
        url: fill(reach.url),
        headers: fillAll(reach.headers),
        ...(reach.env === undefined ? {} : { env: fillAll(reach.env) }),
        ...(reach.others === undefined ? {} : { others: reach.others.map(fill) }),
      };
    case "builtin":
      return reach;
  }
}
