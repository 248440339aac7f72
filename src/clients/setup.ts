import type { Fault } from "../core/fault.ts";
import type { Client, Where } from "./client.ts";
import { editServers } from "./document.ts";
import { type Link, OUR_NAME, wayOf } from "./link.ts";
import type { FoundServer } from "./merge.ts";
import { type ClientFile, filesToConnect, isInstalled, lookAt } from "./scan.ts";

/** A file of a client with what becomes of its servers. */
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
    const ofUser = isInstalled(client, where)
      ? filesToConnect(lookAt(client, where, link, "user"))
      : [];
    const ofProject = lookAt(client, where, link, "project").filter(
      (look) => look.kind === "unusable" || look.before.bytes !== null,
    );
    for (const look of [...ofUser, ...ofProject]) {
      if (look.kind === "file") takeovers.push(takeoverOf(look, where));
      else skipped.push({ client: client.id, path: look.path, problem: look.problem });
    }
  }
  return { takeovers, skipped };
}

/** The servers of one file in our terms; those that are us are neither found nor left. */
export function takeoverOf(file: ClientFile, where: Where): Takeover {
  const found: FoundServer[] = [];
  const left: { name: string; why: string }[] = [];
  const { client, place } = file;
  for (const [name, entry] of file.servers) {
    if (file.ours.includes(name)) continue;
    const read = place.dialect.read(entry, where);
    if (read.kind === "left") left.push({ name, why: read.why });
    else if (place.scope === "user") found.push({ source: client.id, name, entry: read.entry });
    else {
      // What a project registers is started in its directory, one for each project.
      const scoped = { cwd: "{project}", ...read.entry, scope: "project" };
      const isRemote = "url" in read.entry;
      found.push({ source: client.id, name, entry: isRemote ? read.entry : scoped });
    }
  }
  return { file, found, left };
}

/** The file's text with us in it and without the servers that we run from now on. */
export function rewritten({ file, found }: Takeover, link: Link, where: Where): string | Fault {
  const project = file.place.scope === "project" ? where.project : null;
  const remove = [...found.map(({ name }) => name), ...file.ours].filter((n) => n !== OUR_NAME);
  return connected(file, link, { name: OUR_NAME, server: null, project, remove });
}

/** The file's text with one registration of ours. */
export function connected(
  file: ClientFile,
  link: Link,
  what: {
    readonly name: string;
    readonly server: string | null;
    readonly project: string | null;
    readonly remove: readonly string[];
  },
): string | Fault {
  const { client, place, before, text } = file;
  const entry = place.dialect.write(wayOf(client, link, what), what.name);
  const edits = { set: [[what.name, entry] as const], remove: what.remove };
  return editServers(text, place.shape, before.path, edits);
}
