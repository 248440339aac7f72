import { callMany } from "./call-many.ts";
import { namesakes, namesOf, type Target, visibleEntries } from "./catalog.ts";
import { isKeptResult } from "./drawer.ts";
import type { Turn } from "./effect.ts";
import { homeOf } from "./face.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { answer, answerFor, type Call, forward, hold, refuse } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import { type Entry, type ListKind, listKindOf, LISTS } from "./listing.ts";
import { gather } from "./lists.ts";
import { Json, type Params } from "./message.ts";
import { isOwnTool, meantBy, ownTools, readKept, runOwnTool } from "./own-tools.ts";
import { filtersTools, toolAllowed } from "./policy.ts";
import { OPEN_PROFILE, profileAllows, shownTools } from "./profile.ts";
import { obtain } from "./reuse.ts";
import type { Session } from "./session.ts";
import { didYouMean } from "./spelling.ts";
import { follow, resubscribe, subscribe, unfollow, unsubscribe } from "./subscriptions.ts";
import { sendTask, sendTaskToOwner, TASK_REQUESTS } from "./task-requests.ts";
import type { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** Brings a request that concerns upstreams to the one it belongs to. */
export function route(world: World, turn: Turn, call: Call): void {
  const { session, request } = call;
  const listed = listKindOf(request.method);
  if (session.view.kind === "one") return toOne(world, turn, call, session.view.upstream);
  if (listed !== undefined) return mergedList(world, turn, call, listed);
  return toOwner(world, turn, call);
}

/**
 * The transparent endpoint of one upstream: names and cursors are the upstream's own. Its lists are
 * answered from memory while it does not run.
 */
function toOne(world: World, turn: Turn, call: Call, name: string): void {
  const upstream = world.serving(call.session, name);
  if (isFault(upstream)) return refuse(turn, call, upstream);
  const kind = listKindOf(call.request.method);
  const remembered =
    kind !== undefined && upstream.phase !== "ready" && upstream.listings.has(kind);
  if (remembered && call.request.params?.["cursor"] === undefined) {
    return answerFor(world, turn, call, { [LISTS[kind].member]: visibleEntries(kind, upstream) });
  }
  send(world, turn, call, upstream, call.request.params);
}

/** The aggregate: the name or URI in the request says whose it is. */
function toOwner(world: World, turn: Turn, call: Call): void {
  const { method, params } = call.request;
  switch (method) {
    case "tools/call":
      return toTool(world, turn, call);
    case "prompts/get":
      return byName(world, turn, call, "prompts", params?.["name"], (name) => ({
        ...params,
        name,
      }));
    case "resources/read":
      if (isKeptResult(params?.["uri"])) return readKept(world, turn, call, params["uri"]);
      return byUri(world, turn, call, params?.["uri"]);
    case "resources/subscribe":
    case "resources/unsubscribe":
      return byUri(world, turn, call, params?.["uri"]);
    case "completion/complete": {
      const ref = params?.["ref"] as Params | undefined;
      if (ref?.["type"] === "ref/resource") return byUri(world, turn, call, ref["uri"]);
      return byName(world, turn, call, "prompts", ref?.["name"], (name) => ({
        ...params,
        ref: { ...ref, name },
      }));
    }
    default:
      if (TASK_REQUESTS.has(method)) return sendTaskToOwner(world, turn, call);
      refuse(turn, call, fault("method.unknown", `Method not found: ${method}`));
  }
}

/** A tool of an upstream, or one of mcpd's own. */
function toTool(world: World, turn: Turn, call: Call): void {
  const meant = meantBy(call);
  const { params } = meant.request;
  const name = params?.["name"];
  if (meant === call && isOwnTool(call.session.profile, name)) {
    if (name !== "call_tools") return runOwnTool(world, turn, call, String(name));
    return callMany(world, turn, call, (now, one) => toUpstreamTool(world, now, one));
  }
  toUpstreamTool(world, turn, meant);
}

function toUpstreamTool(world: World, turn: Turn, call: Call): void {
  const { params } = call.request;
  byName(world, turn, call, "tools", params?.["name"], (name) => ({ ...params, name }));
}

function byName(
  world: World,
  turn: Turn,
  call: Call,
  kind: "tools" | "prompts",
  name: unknown,
  rename: (name: string) => Params,
): void {
  if (typeof name !== "string") {
    return refuse(turn, call, missing(call, "name"));
  }
  const { profile } = call.session;
  const found = (now: Turn, target: Target): void => {
    const limited = kind === "tools" && profile !== OPEN_PROFILE;
    if (limited && !profileAllows(profile, namesOf(target, name))) {
      const text = `Tool "${name}" is switched off for this client by the config`;
      return refuse(now, call, fault("tool.denied", text, name));
    }
    send(
      world,
      now,
      call,
      target.upstream,
      target.name === name ? call.request.params : rename(target.name),
    );
  };
  const look = (): Target | undefined => world.target(kind, name, call.session);
  const target = look();
  if (target !== undefined) return found(turn, target);
  // An upstream that has not told its list yet may have it.
  waitForLists(world, turn, call, (later) => {
    const late = look();
    if (late !== undefined) return found(later, late);
    const problem = kind === "tools" ? "tool.unknown" : "prompt.unknown";
    const text = `Unknown ${kind.slice(0, -1)}: ${name}${nameHelp(world, call, kind, name)}`;
    refuse(later, call, fault(problem, text, name));
  });
}

/** What a name may have meant that nothing is called by, in words that follow it. */
function nameHelp(world: World, { session }: Call, kind: "tools" | "prompts", name: string) {
  const catalog = world.catalog(kind, session);
  const long = namesakes(name, catalog);
  if (long.length > 0) return ` (use ${long.join(" or ")})`;
  const entries = kind === "tools" ? world.allowedTools(session) : catalog.entries;
  const shown = entries.map((entry) => String(entry["name"]));
  const short = shown.flatMap((one) => catalog.targets.get(one)?.name ?? []);
  return didYouMean(name, [...shown, ...short]);
}

/** The tools a client of the aggregate is shown: those it may use, or those that find them. */
function toolList(world: World, session: Session): readonly Entry[] {
  const { profile } = session;
  const own = ownTools(profile);
  if (profile.mode === "search") return own;
  // A name that is there twice is an error to clients; the long one still finds the other tool.
  const others = world.allowedTools(session).filter(({ name }) => !isOwnTool(profile, name));
  return [...shownTools(others, profile), ...own];
}

function byUri(world: World, turn: Turn, call: Call, uri: unknown): void {
  if (typeof uri !== "string") {
    return refuse(turn, call, missing(call, "uri"));
  }
  const look = (): Upstream | undefined => world.ownerOf(uri, call.session);
  const owner = look();
  if (owner !== undefined) return send(world, turn, call, owner, call.request.params);
  waitForLists(world, turn, call, (later) => {
    const late = look();
    if (late !== undefined) return send(world, later, call, late, call.request.params);
    refuse(later, call, fault("resource.unknown", `Resource not found: ${uri}`, uri, { uri }));
  });
}

function missing({ request }: Call, member: string): Fault {
  const place = request.method === "completion/complete" ? "params.ref" : "params";
  return fault("params.invalid", `${place}.${member} is missing: expected a string`);
}

function mergedList(world: World, turn: Turn, call: Call, kind: ListKind): void {
  const cursor = call.request.params?.["cursor"];
  if (cursor !== undefined) {
    const text = `Unknown cursor ${JSON.stringify(cursor)}: the merged list has one page`;
    return refuse(turn, call, fault("params.invalid", text));
  }
  waitForLists(world, turn, call, (later) => {
    if (!call.session.listed) later.add({ kind: "keep", session: call.session });
    call.session.listed = true;
    const { session } = call;
    const entries =
      kind === "tools" ? toolList(world, session) : world.catalog(kind, session).entries;
    answerFor(world, later, call, { [LISTS[kind].member]: entries });
  });
}

function waitForLists(world: World, turn: Turn, call: Call, act: (turn: Turn) => void): void {
  hold(call, (resume) => {
    gather(world, turn, world.inView(call.session), (later) => resume(later, act));
  });
}

/** Sends a request to the upstream it belongs to, after what mcpd has to say about it. */
function send(
  world: World,
  turn: Turn,
  call: Call,
  upstream: Upstream,
  params: Params | undefined,
): void {
  const { method } = call.request;
  const { tools } = upstream.unit.settings;
  const uri = params?.["uri"];
  if (method === "tools/call") {
    const name = String(params?.["name"]);
    if (!toolAllowed(tools, name)) {
      const text = `Tool "${name}" of upstream "${upstream.name}" is switched off by the config`;
      return refuse(turn, call, fault("tool.denied", text, name));
    }
    return obtain(world, turn, call, upstream, { params, target: name });
  }
  if (method === "tools/list" && filtersTools(tools)) {
    return forward(turn, call, upstream, { params, transform: (list) => filterTools(list, tools) });
  }
  if (method === "resources/subscribe" && typeof uri === "string") {
    return atHome(turn, call, upstream, (later, home) =>
      sendSubscribe(world, later, call, home, uri),
    );
  }
  if (method === "resources/unsubscribe" && typeof uri === "string") {
    turn.add({ kind: "keep", session: call.session });
    const home = world.find(call.session.subscriptions.get(uri) ?? "") ?? upstream;
    if (!unsubscribe(home, call.session, uri)) return answer(turn, call, {});
    if (home.era === "modern") {
      unfollow(turn, home, uri);
      return answer(turn, call, {});
    }
    return forward(turn, call, home, { params, target: uri });
  }
  if (method.startsWith("tasks/")) return sendTask(turn, call, upstream);
  const target = params?.["name"] ?? uri;
  obtain(world, turn, call, upstream, { params, target: typeof target === "string" ? target : "" });
}

/** Does something at the one replica that a session stays with, once one is ready. */
function atHome(
  turn: Turn,
  call: Call,
  upstream: Upstream,
  act: (turn: Turn, home: Upstream) => void,
): void {
  if (upstream.group === null) return act(turn, upstream);
  hold(call, (resume) => {
    upstream.whenReady(turn, {
      proceed: (later) => resume(later, (now) => act(now, homeOf(upstream, call.session))),
      fail: (later, problem) => resume(later, (now) => refuse(now, call, problem)),
    });
  });
}

function sendSubscribe(
  world: World,
  turn: Turn,
  call: Call,
  upstream: Upstream,
  uri: string,
): void {
  const { session } = call;
  if (session.subscriptions.size >= LIMITS.subscriptionsPerSession) {
    const text = `A session may subscribe to ${LIMITS.subscriptionsPerSession} resources at most`;
    return refuse(turn, call, fault("session.busy", text));
  }
  const standing = (upstream.subscribers.get(uri)?.size ?? 0) > 0;
  if (standing || upstream.era === "modern") {
    turn.add({ kind: "keep", session });
    if (subscribe(world, turn, upstream, session, uri)) follow(turn, upstream, uri);
    return answer(turn, call, {});
  }
  forward(turn, call, upstream, {
    target: uri,
    transform(result, later) {
      later.add({ kind: "keep", session });
      // What has answered may have been replaced meanwhile.
      if (upstream.retired === null) subscribe(world, later, upstream, session, uri);
      else resubscribe(world, later, session, upstream.name, uri);
      return result;
    },
  });
}

function filterTools(list: Json, policy: Parameters<typeof toolAllowed>[0]): Json {
  const result = list.value as Params | null;
  const tools = result?.["tools"];
  if (!Array.isArray(tools)) return list;
  const kept = (tools as readonly Params[]).filter((tool) =>
    toolAllowed(policy, String(tool?.["name"])),
  );
  return Json.ofValue({ ...result, tools: kept });
}
