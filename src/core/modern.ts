import type { Turn } from "./effect.ts";
import { isObject, META, MODERN_REVISION, stripEnvelope } from "./envelope.ts";
import { homeOf } from "./face.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { answerFor, type Call, refuse, reply } from "./forward.ts";
import { aggregateCapabilities, instructionsOf, introduced, introductionFor } from "./handshake.ts";
import { encode, Json, type Params } from "./message.ts";
import { meantBy } from "./own-tools.ts";
import { paramMismatch } from "./param-headers.ts";
import { presentModern } from "./present.ts";
import { route } from "./route.ts";
import { follow, subscribe } from "./subscriptions.ts";
import { watchTasks } from "./task-requests.ts";
import type { Upstream } from "./upstream.ts";
import { declinesUrl } from "./url-elicitation.ts";
import type { World } from "./world.ts";

/** What a modern client may ask for beside discovery and subscriptions (2026-07-28). */
const METHODS: ReadonlySet<string> = new Set([
  "tools/list",
  "tools/call",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "completion/complete",
]);

/** The tasks extension (SEP-2663): forwarded as it is, to clients that have declared it. */
const TASKS = "io.modelcontextprotocol/tasks";
const TASK_METHODS: ReadonlySet<string> = new Set(["tasks/get", "tasks/update", "tasks/cancel"]);

/** Takes one request of the modern era. Its session lives as long as it. */
export function receiveModern(world: World, turn: Turn, call: Call): void {
  const { method, params } = call.request;
  if (method === "server/discover") return discover(world, turn, call);
  if (method === "subscriptions/listen") return listen(world, turn, call);
  if (TASK_METHODS.has(method) && !declaresTasks(call)) {
    const requiredCapabilities = { extensions: { [TASKS]: {} } };
    const text = `${method} needs a client with the tasks extension`;
    return refuse(turn, call, fault("client.incapable", text, "", { requiredCapabilities }));
  }
  if (!METHODS.has(method) && !TASK_METHODS.has(method)) {
    return refuse(turn, call, fault("method.unknown", `Method not found: ${method}`));
  }
  if (declinesUrl(params)) return refuse(turn, call, fault("question.declined"));
  const problem = method === "tools/call" ? wrongHeader(world, call) : null;
  if (problem !== null) return refuse(turn, call, problem);
  // A parked call knows the request that it stands for, not the one around it.
  const stripped = { ...call.request, params: stripEnvelope(params) };
  const plain = meantBy({ ...call, request: stripped });
  if (!world.parking.resume(turn, plain)) route(world, turn, plain);
}

function declaresTasks({ session }: Call): boolean {
  const extensions = session.capabilities["extensions"];
  return isObject(extensions) && extensions[TASKS] !== undefined;
}

function discover(world: World, turn: Turn, call: Call): void {
  const { session } = call;
  const supportedVersions = [MODERN_REVISION];
  if (session.view.kind === "all") {
    const upstreams = world.inView(session);
    const capabilities = { ...aggregateCapabilities, ...tasksExtension(upstreams) };
    const about = { capabilities, ...instructionsOf(upstreams) };
    return answerFor(world, turn, call, { supportedVersions, ...about });
  }
  const upstream = world.serving(session, session.view.upstream);
  if (isFault(upstream)) return refuse(turn, call, upstream);
  introduced(turn, upstream, {
    proceed(later, introduction) {
      const { serverInfo, ...about } = introductionFor(introduction, MODERN_REVISION);
      const result = Json.ofValue({ supportedVersions, ...about });
      const info = isObject(serverInfo) ? serverInfo : {};
      reply(later, call, presentModern("server/discover", info, { ok: true, result }));
    },
    fail: (later, problem) => refuse(later, call, problem),
  });
}

/** The extension that the aggregate serves if one of its upstreams does. */
function tasksExtension(upstreams: readonly Upstream[]): Params {
  const served = upstreams.some(({ introduction }) => {
    const extensions = introduction?.capabilities["extensions"];
    return isObject(extensions) && extensions[TASKS] !== undefined;
  });
  return served ? { extensions: { [TASKS]: {} } } : {};
}

/** What the headers say differently from the arguments, as far as the tool is known. */
function wrongHeader(world: World, { session, request: { params } }: Call): Fault | null {
  const name = params?.["name"];
  if (session.paramHeaders === null || typeof name !== "string") return null;
  const target =
    session.view.kind === "one"
      ? { upstream: world.inView(session)[0], name }
      : world.target("tools", name, session);
  const wanted = target?.upstream?.listings.get("tools")?.paramHeaders.get(target.name) ?? [];
  const wrong = paramMismatch(wanted, params?.["arguments"], session.paramHeaders);
  if (wrong === undefined) return null;
  const text = `The header Mcp-Param-${wrong.name} is missing, or not what the arguments say`;
  return fault("envelope.header", text, name);
}

/** Opens a stream for what belongs to no request; it ends when the client closes it. */
function listen(world: World, turn: Turn, call: Call): void {
  const { session, request, channel } = call;
  const filter = request.params?.["notifications"];
  if (!isObject(filter)) {
    const text = "params.notifications is missing: expected an object";
    return refuse(turn, call, fault("params.invalid", text));
  }
  if (!channel.streams) {
    return refuse(turn, call, fault("door.accept", "A subscription needs an event stream"));
  }
  session.listening = { id: request.id, channel, filter };
  session.pending.set(request.id, {
    cancel(later) {
      const _meta = { [META.subscription]: request.id };
      answerFor(world, later, call, { _meta });
    },
  });
  const notifications = honoured(world, turn, call, filter);
  const _meta = { [META.subscription]: request.id };
  const method = "notifications/subscriptions/acknowledged";
  const text = encode({ kind: "notification", method, params: { _meta, notifications } });
  turn.add({ kind: "note", channel, text });
}

/** The part of a filter that will be served. */
function honoured(world: World, turn: Turn, call: Call, filter: Params): Params {
  const { session } = call;
  const kept = Object.entries(filter).filter(
    ([key, value]) => key.endsWith("ListChanged") && value === true,
  );
  const tasks = filter["taskIds"];
  if (Array.isArray(tasks)) kept.push(["taskIds", watchTasks(world, turn, session, tasks)]);
  const wanted = filter["resourceSubscriptions"];
  if (!Array.isArray(wanted)) return Object.fromEntries(kept);
  const resourceSubscriptions = (wanted as readonly unknown[]).filter((uri): uri is string => {
    const serving = typeof uri === "string" ? world.ownerOf(uri, session) : undefined;
    if (typeof uri !== "string" || serving === undefined) return false;
    const owner = homeOf(serving, session);
    if (subscribe(world, turn, owner, session, uri)) follow(turn, owner, uri);
    return true;
  });
  return { ...Object.fromEntries(kept), resourceSubscriptions };
}
