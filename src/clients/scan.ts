import { statSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";

import { type Fault, isFault } from "../core/fault.ts";
import {
  type Client,
  CLIENT_SCOPES,
  type ClientScope,
  type Entry,
  type Place,
  textsOf,
  type Where,
} from "./client.ts";
import { readServers, valueAt } from "./document.ts";
import { type Snapshot, snapshot, textOf } from "./files.ts";
import { isOurs, type Link } from "./link.ts";

/** One list of servers in a file of one client, as it is now. */
export type ClientFile = {
  readonly client: Client;
  readonly place: Place;
  /** The directory of the project whose list it is; null for that of the user. */
  readonly project: string | null;
  readonly before: Snapshot;
  readonly text: string;
  readonly servers: ReadonlyMap<string, Entry>;
  /** The names under which it has us. */
  readonly ours: readonly string[];
  /** Why it does not start a server of that name, as a sentence; null: it does. */
  readonly whyOff: (name: string) => string | null;
};

/** A place where there is, or could be, a file. */
export type Look =
  | ({ readonly kind: "file" } & ClientFile)
  | {
      readonly kind: "unusable";
      readonly client: Client;
      readonly place: Place;
      readonly project: string | null;
      readonly path: string;
      readonly problem: Fault;
    };

/**
 * Looks at every list a client has in these scopes, those that are still to be made included; of
 * scope "local" only at those there are, of projects that are there. In the home directory the
 * files of a project may be those of the user, which they then are.
 */
export function lookAt(
  client: Client,
  where: Where,
  link: Link,
  scopes: readonly ClientScope[] = CLIENT_SCOPES,
): readonly Look[] {
  const places = client.places(where);
  const ofUser = places.flatMap((place) => (place.scope === "user" ? place.paths : []));
  return places
    .filter(({ scope }) => scopes.includes(scope))
    .filter(({ paths, scope }) => scope !== "project" || !paths.some((at) => ofUser.includes(at)))
    .flatMap((place): readonly Look[] => {
      const path = place.paths.find(exists) ?? place.paths[0] ?? "";
      const before = snapshot(path);
      const text = isFault(before) ? before : textOf(before);
      const { projectsKey: key } = place;
      if (key !== undefined && isFault(text)) return [];
      return listsOf(place, isFault(text) ? "" : text, where).map((list): Look => {
        const about = { client, ...list };
        if (isFault(before)) return { kind: "unusable", ...about, path, problem: before };
        if (isFault(text)) return { kind: "unusable", ...about, path, problem: text };
        const servers = readServers(text, list.place.shape, path);
        if (isFault(servers)) return { kind: "unusable", ...about, path, problem: servers };
        const ours = [...servers].filter(([, entry]) => isOurs(entry, link)).map(([name]) => name);
        const whyOff = offReasons(list.place, text);
        return { kind: "file", ...about, before, text, servers, ours, whyOff };
      });
    });
}

function offReasons({ offPath, onlyPath }: Place, text: string): ClientFile["whyOff"] {
  const off = offPath === undefined ? [] : textsOf(valueAt(text, offPath));
  const only = onlyPath === undefined ? [] : textsOf(valueAt(text, onlyPath));
  return (name) => {
    if (off.includes(name)) return `${offPath?.join(".")} lists it`;
    if (only.length === 0 || only.includes(name)) return null;
    return `${onlyPath?.join(".")} does not list it`;
  };
}

/** A warning for whom is registered there in vain; null where the client starts it. */
export function notStarted({ client, before, whyOff }: ClientFile, name: string): string | null {
  const why = whyOff(name);
  return why === null ? null : `${client.title} will not start "${name}": ${why} (${before.path})`;
}

/** The lists of a file, each with its project and as a place of its own. */
function listsOf(
  place: Place,
  text: string,
  where: Where,
): readonly Pick<ClientFile, "place" | "project">[] {
  const { projectsKey: key, shape, scope } = place;
  if (key === undefined) return [{ place, project: scope === "user" ? null : where.project }];
  return Object.keys(valueAt(text, [key]) ?? {})
    .filter((project) => isAbsolute(project) && exists(project))
    .map((project) => {
      const inProject = (path: readonly string[]) => [key, project, ...path];
      const own = { format: "json", path: inProject(shape.path) } as const;
      return { place: { ...place, shape: own, offPath: inProject(place.offPath ?? []) }, project };
    });
}

/** True when the client is on this machine: it has a file, or left another trace. */
export function isInstalled(client: Client, where: Where): boolean {
  const files = client.places(where).filter(({ scope }) => scope === "user");
  return [...client.traces(where), ...files.flatMap(({ paths }) => paths)].some(exists);
}

/** True when the client is on this machine, or the project has a file for it. */
export function isConcerned(client: Client, where: Where): boolean {
  const ofProject = client.places(where).filter(({ scope }) => scope === "project");
  return isInstalled(client, where) || ofProject.some(({ paths }) => paths.some(exists));
}

/**
 * The files to connect a client by: those it has; when it has none, the one it would look for. Of
 * several, only one whose directory is there.
 */
export function filesToConnect(looks: readonly Look[]): readonly Look[] {
  const present = looks.filter((look) => look.kind === "unusable" || look.before.bytes !== null);
  if (present.length > 0 || looks.length <= 1) return present.length > 0 ? present : looks;
  const likely = looks.filter((look) => look.kind === "file" && exists(dirname(look.before.path)));
  return (likely.length > 0 ? likely : looks).slice(0, 1);
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A directory we may not look into, or links in a circle: reading it says so.
    return true;
  }
}
