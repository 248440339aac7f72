import { posix, win32 } from "node:path";

import { type Client, type Entry, textsOf, type Way } from "./client.ts";
import { text } from "./dialect.ts";

/** The name we have in a client that sees all upstreams. */
export const OUR_NAME = "mcpd";

/** What a client's entry for the daemon needs to know. */
export type Link = {
  /** The command line of mcpd: an executable, when run from source with its script. */
  readonly program: readonly [command: string, ...args: string[]];
  /** The flags that every command line of ours gets, such as --config. */
  readonly flags: readonly string[];
  /** Address and key file, when a daemon can be counted on; null: the bridge starts one. */
  readonly http: { readonly url: string; readonly keyFile: string } | null;
};

/** One registration: which upstream (null for all), for which project (null for none). */
export type Registration = { readonly server: string | null; readonly project: string | null };

/**
 * How this client gets to the daemon. HTTP where its config can name the key by reference and the
 * daemon is a service: that saves a process. Else the bridge, which needs no key, starts the
 * daemon, and knows the project by the directory it is started in.
 */
export function wayOf(client: Client, link: Link, registration: Registration): Way {
  const { server, project } = registration;
  const [command, ...script] = link.program;
  if (client.http && link.http !== null) {
    const url = new URL(link.http.url);
    if (server !== null) url.pathname += `/${encodeURIComponent(server)}`;
    if (project !== null) url.searchParams.set("project", project);
    const words = [command, ...script, "show-key", "--headers", ...link.flags];
    const headersCommand = words.map(quoted).join(" ");
    return { kind: "http", url: url.href, keyFile: link.http.keyFile, headersCommand };
  }
  const which = server === null ? [] : ["--server", server];
  const where = project === null ? [] : ["--project", project];
  return {
    kind: "bridge",
    command,
    args: [...script, "bridge", ...which, ...where, ...link.flags],
  };
}

/** True for an entry that points at mcpd, whoever wrote it. */
export function isOurs(entry: Entry, link: Link): boolean {
  const words = textsOf([entry["command"] ?? entry["cmd"], entry["args"]].flat());
  const at = words.indexOf("bridge");
  if (at > 0) {
    const [first = ""] = words;
    const name = win32.basename(posix.basename(first)).replace(/\.exe$/i, "");
    const isProgram = words.slice(0, at).join("\0") === link.program.join("\0");
    return name === "mcpd" || isProgram;
  }
  const all = JSON.stringify(entry);
  return /show-key --headers/.test(all) || (/\{file:[^}]*\bmcpd\b/.test(all) && isLocal(entry));
}

function isLocal(entry: Entry): boolean {
  return /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(text(entry["url"]) ?? "");
}

/** As both POSIX shells and cmd.exe take it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word.replaceAll(/(["$`])/g, "\\$1")}"`;
}
