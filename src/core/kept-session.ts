import type { Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { runnable } from "./face.ts";
import { fault } from "./fault.ts";
import { encode, faultResponse, type RequestId } from "./message.ts";
import { type Door, MCP_LOG_LEVELS, type McpLogLevel, Session, type View } from "./session.ts";
import { resubscribe, syncLogLevel } from "./subscriptions.ts";
import type { World } from "./world.ts";

/** What has to be known of a legacy session to go on with it in another daemon (MISSION D2). */
export type KeptSession = {
  readonly view: View;
  readonly principal: string;
  readonly project: string | null;
  readonly askedRoots: boolean;
  readonly protocolVersion: string;
  readonly client: { readonly name: string; readonly version: string };
  readonly capabilities: { readonly [name: string]: unknown };
  readonly logLevel: McpLogLevel | null;
  readonly listed: boolean;
  /** Resource URIs, each with the upstream it was subscribed at. */
  readonly subscriptions: readonly (readonly [uri: string, upstream: string])[];
  /** Absent in what was kept by a daemon that kept sessions of Streamable HTTP only. */
  readonly door?: Door;
  /** Requests whose answers were to go on the stream of the session. */
  readonly owed?: readonly RequestId[];
};

/** Where its client comes back to. */
export function doorOf({ door = "http" }: KeptSession): Door {
  return door;
}

/** Whether what was found on a disk is one: another version or hand may have been there. */
export function isKeptSession(value: unknown): value is KeptSession {
  if (!isObject(value)) return false;
  const { view, client, capabilities, logLevel, subscriptions } = value;
  const texts = [value["principal"], value["protocolVersion"]];
  const known =
    isObject(view) &&
    (view["kind"] === "all" || (view["kind"] === "one" && typeof view["upstream"] === "string"));
  return (
    known &&
    texts.every((text) => typeof text === "string") &&
    isObject(client) &&
    typeof client["name"] === "string" &&
    isObject(capabilities) &&
    (value["project"] === null || typeof value["project"] === "string") &&
    (logLevel === null || MCP_LOG_LEVELS.includes(logLevel as McpLogLevel)) &&
    Array.isArray(subscriptions) &&
    subscriptions.every((pair: unknown) => isPair(pair))
  );
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "string";
}

/** What there is to keep; null while the handshake is not done. */
export function keptOf(world: World, session: Session): KeptSession | null {
  const { view, principal, project, askedRoots, protocolVersion, client } = session;
  if (protocolVersion === null) return null;
  const { capabilities, logLevel, listed } = session;
  const subscriptions = [...session.subscriptions].flatMap(([uri, key]) => {
    const upstream = world.find(key);
    return upstream === undefined ? [] : [[uri, upstream.name] as const];
  });
  const who = { view, principal, project, askedRoots, protocolVersion, client };
  const owed = session.streamed ? [...session.pending.keys()] : [];
  return { ...who, capabilities, logLevel, listed, subscriptions, door: session.door, owed };
}

/**
 * Goes on with a session under its old id. What it subscribed to is subscribed again, which starts
 * the upstreams concerned: its client expects to be told. What was in flight is answered as lost:
 * nobody can tell whether it had its effect.
 */
export function revive(world: World, turn: Turn, id: string, kept: KeptSession): Session {
  const { view, principal, project, owed = [] } = kept;
  const door = doorOf(kept);
  const questionId = world.ports.newQuestionId();
  const session = new Session({ id, view, principal, project, door, questionId });
  session.askedRoots = kept.askedRoots;
  session.protocolVersion = kept.protocolVersion;
  session.client = kept.client;
  session.capabilities = kept.capabilities;
  session.logLevel = kept.logLevel;
  session.listed = kept.listed;
  world.fit(session);
  world.sessions.set(id, session);
  const lost = fault("daemon.lost");
  for (const owedId of owed) {
    turn.add({ kind: "push", session, text: encode(faultResponse(owedId, lost)), keep: true });
  }
  if (owed.length > 0) turn.add({ kind: "keep", session });
  for (const [uri, name] of kept.subscriptions) resubscribe(world, turn, session, name, uri);
  if (kept.logLevel !== null) {
    for (const upstream of world.inView(session).flatMap(runnable)) {
      syncLogLevel(world, turn, upstream);
    }
  }
  return session;
}
