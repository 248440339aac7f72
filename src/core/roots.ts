import type { Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { Exchange } from "./exchange.ts";
import { type Call, hold } from "./forward.ts";
import type { Outcome } from "./message.ts";
import { askClient } from "./notify.ts";
import type { Session } from "./session.ts";
import type { World } from "./world.ts";

/** Whether it is worth asking a client for its roots: something it uses runs once per project. */
export function lacksProject(world: World, session: Session): boolean {
  if (session.project !== null || session.askedRoots || session.era === "modern") return false;
  if (session.capabilities["roots"] === undefined) return false;
  return world.upstreams.some(({ name, unit }) => {
    const seen = session.view.kind === "all" || session.view.upstream === name;
    return seen && unit.scope === "project" && !unit.disabled;
  });
}

/**
 * Asks a client that has named no project for its roots and takes the first as its project; then
 * goes on with the request that needed it. A client that does not say has none.
 */
export function askProject(turn: Turn, call: Call, proceed: (turn: Turn) => void): void {
  const { session, channel } = call;
  session.askedRoots = true;
  hold(call, (resume) => {
    const exchange = new Exchange({
      method: "roots/list",
      settle(later, outcome) {
        session.project = rootOf(outcome);
        later.add({ kind: "keep", session });
        resume(later, proceed);
      },
    });
    askClient(turn, session, exchange, channel);
  });
}

/** The directory of the first root, as a path. */
function rootOf(outcome: Outcome): string | null {
  if (!outcome.ok || !isObject(outcome.result.value)) return null;
  const roots = outcome.result.value["roots"];
  const first: unknown = Array.isArray(roots) ? roots[0] : undefined;
  const uri = isObject(first) ? first["uri"] : undefined;
  if (typeof uri !== "string" || !uri.startsWith("file://")) return null;
  try {
    const path = decodeURIComponent(uri.slice("file://".length));
    const windows = /^\/[A-Za-z]:/.test(path);
    if (windows) return oneSpelling(path.slice(1).replaceAll("/", "\\"));
    return path.startsWith("/") ? oneSpelling(path) : null;
  } catch {
    return null;
  }
}

/**
 * A project as all clients are to spell it: editors write the letter of a drive in either case, and
 * some end a directory with a separator. "C:" alone would be another directory than "C:\".
 */
export function oneSpelling(path: string): string {
  const drive = /^[A-Za-z]:/.exec(path)?.[0] ?? "";
  const end = drive === "" ? /(.)\/+$/ : /(.)[\\/]+$/;
  const rest = path.slice(drive.length).replace(end, "$1");
  return `${drive.toUpperCase()}${rest}`;
}

/** A directory as a file URI: every part of the path is escaped, the separators stay. */
export function fileUri(root: string): string {
  const path = root.replaceAll("\\", "/").split("/").map(encodeURIComponent).join("/");
  // The host of a share of Windows is that of its URI.
  if (path.startsWith("//")) return `file:${path}`;
  return path.startsWith("/") ? `file://${path}` : `file:///${path.replace("%3A", ":")}`;
}
