import { type Fault, isFault } from "../core/fault.ts";
import {
  type Client,
  type ClientScope,
  isRelativeFor,
  type Translated,
  type Where,
} from "./client.ts";
import { left, SWITCHED_OFF } from "./dialect.ts";
import { editServers } from "./document.ts";
import { type Link, OUR_NAME, wayOf } from "./link.ts";
import type { FoundServer, Rules } from "./merge.ts";
import { type ClientFile, filesToConnect, isInstalled, type Look, lookAt } from "./scan.ts";
import type { Change } from "./write.ts";

/** A list of a client with what becomes of its servers. */
export type Takeover = {
  readonly file: ClientFile;
  readonly found: readonly FoundServer[];
  /** Servers that stay in the client, and why. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
};

/** What cannot be used, by client. */
export type Skipped = { readonly client: string; readonly path: string; readonly problem: Fault };

export type Survey = {
  readonly takeovers: readonly Takeover[];
  readonly skipped: readonly Skipped[];
};

/** Looks at every file of these clients that are on this machine, and translates their servers. */
export function survey(clients: readonly Client[], where: Where, link: Link): Survey {
  const takeovers: Takeover[] = [];
  const skipped: Skipped[] = [];
  for (const client of clients) {
    const looks = lookAt(client, where, link);
    const ofUser = looks.filter(({ place }) => place.scope === "user");
    const ofProjects = looks.filter((look) => look.place.scope !== "user" && isThere(look));
    const chosen = isInstalled(client, where) ? filesToConnect(ofUser) : [];
    for (const look of [...chosen, ...ofProjects]) {
      if (look.kind === "file") takeovers.push(takeoverOf(look, where));
      else skipped.push({ client: client.id, path: look.path, problem: look.problem });
    }
  }
  return { takeovers, skipped };
}

/** Whether a client has a file for a project, or in its own file a server for one. */
function isThere(look: Look): boolean {
  if (look.kind === "unusable") return true;
  return look.place.scope === "local" ? look.servers.size > 0 : look.before.bytes !== null;
}

/** The same without the servers that our config would not take: they stay. */
export function vetted<T extends Pick<Takeover, "found" | "left">>(
  list: T,
  { entryProblem }: Pick<Rules, "entryProblem">,
): T {
  const judged = list.found.map((server) => ({ server, why: entryProblem(server.entry) }));
  const found = judged.flatMap(({ server, why }) => (why === null ? [server] : []));
  const staying = judged.flatMap(({ server: { name }, why }) =>
    why === null ? [] : [{ name, why }],
  );
  return { ...list, found, left: [...list.left, ...staying] };
}

/** The servers of one list in our terms; those that are us are neither found nor left. */
export function takeoverOf(file: ClientFile, where: Where): Takeover {
  const found: FoundServer[] = [];
  const staying: { name: string; why: string }[] = [];
  const { client, place, project } = file;
  for (const [name, entry] of file.servers) {
    if (file.ours.includes(name)) continue;
    const own = file.whyOff(name) !== null ? left(SWITCHED_OFF) : place.dialect.read(entry, where);
    const read = anchored(own, project, where);
    if (read.kind === "left") staying.push({ name, why: read.why });
    else found.push({ source: client.id, name, entry: read.entry });
  }
  return { file, found, left: staying };
}

/**
 * An entry that does not depend on where its client starts it. What a project registers is started
 * in its directory, one for each project.
 */
function anchored(read: Translated, project: string | null, where: Where): Translated {
  if (read.kind === "left") return read;
  const { command, cwd } = read.entry;
  if (typeof command !== "string") return read;
  const program = isPath(command) && isRelativeFor(where, command) ? inside(command) : command;
  const directory = typeof cwd === "string" && isRelativeFor(where, cwd) ? inside(cwd) : cwd;
  if (project !== null) {
    const entry = {
      ...read.entry,
      command: program,
      cwd: directory ?? inside("."),
      scope: "project",
    };
    return { kind: "server", entry };
  }
  const isSame = program === command && directory === cwd;
  return isSame ? read : left("it has a path that depends on where its client starts it");
}

function isPath(command: string): boolean {
  return /[/\\]/.test(command);
}

/** A path in a project. */
function inside(path: string): string {
  const rest = path.replace(/^\.(?:[/\\]+|$)/, "");
  return rest === "" ? "{project}" : `{project}/${rest}`;
}

/** The file's text with us in its list and without the servers that we run from now on. */
export function rewritten(
  file: ClientFile,
  found: readonly FoundServer[],
  link: Link,
): string | Fault {
  const { ours, place, text } = file;
  // Who works on a project without servers of its own is not told of us twice.
  if (place.scope === "local" && found.length + ours.length === 0) return text;
  const remove = [...found.map(({ name }) => name), ...ours].filter((name) => name !== OUR_NAME);
  return connected(file, link, { name: OUR_NAME, server: null, remove });
}

/**
 * The lists by the file they are in, which is written once: a client keeps those of several
 * projects in one, and two clients may share one by links.
 */
export function byFile<T>(
  items: readonly T[],
  fileOf: (item: T) => ClientFile,
): readonly (readonly T[])[] {
  return [...Map.groupBy(items, (item) => fileOf(item).before.target).values()];
}

/** What changes in a file when each of its lists is edited in turn: one change, or none. */
export function editedInTurn(
  lists: readonly ClientFile[],
  edit: (list: ClientFile, at: number) => string | Fault,
): readonly Change[] | Fault {
  const [first] = lists;
  if (first === undefined) return [];
  const { before, place } = first;
  let { text } = first;
  for (const [at, list] of lists.entries()) {
    const edited = edit({ ...list, text }, at);
    if (isFault(edited)) return edited;
    text = edited;
  }
  if (text === first.text && before.bytes !== null) return [];
  const shapes = lists.map((list) => list.place.shape);
  return [{ before, after: text, mode: modeFor(place.scope), shapes, required: true }];
}

/** How new files of a scope may be read: what belongs to a project is often shared. */
function modeFor(scope: ClientScope): number {
  return scope === "project" ? 0o644 : 0o600;
}

/** The file's text with one registration of ours. */
export function connected(
  file: ClientFile,
  link: Link,
  what: {
    readonly name: string;
    readonly server: string | null;
    readonly remove: readonly string[];
  },
): string | Fault {
  const { client, place, project, before, text } = file;
  const { server } = what;
  const entry = place.dialect.write(wayOf(client, link, { server, project }), what.name);
  const edits = { set: [[what.name, entry] as const], remove: what.remove };
  return editServers(text, place.shape, before.path, edits);
}
