import type { Reach, Unit, ValueRef } from "./unit.ts";

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
