import type { Turn } from "./effect.ts";
import { clientIn, isObject } from "./envelope.ts";
import { negotiate } from "./era.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { answer, type Call, refuse } from "./forward.ts";
import type { Introduction } from "./introduction.ts";
import { LIMITS } from "./limits.ts";
import type { Params } from "./message.ts";
import type { Upstream } from "./upstream.ts";
import { JUST_START } from "./waiting.ts";
import type { World } from "./world.ts";

/** The only revision whose tasks these are: the modern era has others, as an extension. */
const TASKS_REVISION = "2025-11-25";

/** The revision that HTTP+SSE is of. */
const SSE_REVISION = "2024-11-05";

/** What the aggregate can do: whatever an upstream of it may bring. */
export const aggregateCapabilities: Params = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  logging: {},
  completions: {},
};

/**
 * Answers `initialize`. The aggregate answers at once and starts the upstreams it knows nothing of
 * meanwhile; a single upstream introduces itself, so at its very first start the client waits.
 */
export function initialize(world: World, turn: Turn, call: Call): void {
  const { session } = call;
  if (session.ready) {
    const text = "initialize was sent before: a session is initialised once";
    return refuse(turn, call, fault("message.invalid", text));
  }
  if (session.view.kind === "all") {
    const upstreams = world.inView(session);
    // What is remembered of an upstream will do until something is really asked of it.
    for (const upstream of upstreams) if (!upstream.listed) upstream.whenReady(turn, JUST_START);
    begin(world, turn, call, {
      capabilities: { ...aggregateCapabilities, ...aggregateTasks(versionOf(call), upstreams) },
      serverInfo: world.about,
      ...instructionsOf(upstreams),
    });
    return;
  }
  const upstream = world.serving(session, session.view.upstream);
  if (isFault(upstream)) {
    // The client may still say, once it is asked for its roots.
    const roots = isObject(call.request.params?.["capabilities"])
      ? call.request.params["capabilities"]["roots"]
      : undefined;
    if (upstream.code !== "project.missing" || roots === undefined) {
      return abandon(turn, call, upstream);
    }
    const about = { capabilities: aggregateCapabilities, serverInfo: world.about };
    return begin(world, turn, call, about);
  }
  introduced(turn, upstream, {
    proceed: (later, introduction) =>
      begin(world, later, call, introductionFor(introduction, versionOf(call))),
    fail: (later, problem) => abandon(later, call, problem),
  });
}

/**
 * Takes a client of HTTP+SSE for one that is past its handshake; false for any other. Only there do
 * some come back without a word of who they are (official SDKs up to 1.12), and would be refused
 * for good. Nothing is known of them but what the gate has seen. Who asks for the era of the server
 * has its handshake before it.
 */
export function assume(world: World, turn: Turn, { session, request }: Call): boolean {
  if (session.door !== "sse" || request.method === "server/discover") return false;
  session.protocolVersion = SSE_REVISION;
  world.fit(session);
  turn.add({ kind: "keep", session });
  return true;
}

/** Waits for an upstream to introduce itself, unless it is remembered how it did. */
export function introduced(
  turn: Turn,
  upstream: Upstream,
  then: {
    readonly proceed: (turn: Turn, introduction: Introduction) => void;
    readonly fail: (turn: Turn, problem: Fault) => void;
  },
): void {
  const { introduction } = upstream;
  if (introduction !== null) return then.proceed(turn, introduction);
  upstream.whenReady(turn, {
    proceed(later) {
      if (upstream.introduction !== null) then.proceed(later, upstream.introduction);
    },
    fail: then.fail,
  });
}

function versionOf({ request }: Call): string {
  return negotiate(request.params?.["protocolVersion"]);
}

/** Tasks of the aggregate are found by their ids; there is no list of all. */
function aggregateTasks(version: string, upstreams: readonly Upstream[]): Params {
  const served = version === TASKS_REVISION && upstreams.some((upstream) => upstream.has("tasks"));
  return served ? { tasks: { cancel: {}, requests: { tools: { call: {} } } } } : {};
}

function begin(world: World, turn: Turn, call: Call, about: Params): void {
  const { session, request } = call;
  const params = request.params ?? {};
  session.client = clientIn(params["clientInfo"]);
  world.fit(session);
  session.capabilities = (params["capabilities"] as Params | undefined) ?? {};
  session.protocolVersion = versionOf(call);
  turn.add({ kind: "keep", session });
  answer(turn, call, { protocolVersion: session.protocolVersion, ...about });
}

function abandon(turn: Turn, call: Call, problem: Fault): void {
  refuse(turn, call, problem);
  turn.add({ kind: "discard", session: call.session });
}

/** The upstream's own words, minus what mcpd cannot keep for it. */
export function introductionFor(introduction: Introduction, version: string): Params {
  const { tasks, ...others } = introduction.capabilities;
  const capabilities = version === TASKS_REVISION && tasks ? { ...others, tasks } : others;
  // mcpd itself changes lists, when it restarts an upstream or the config filters its tools, and
  // clients listen only to what was declared.
  const changing = Object.fromEntries(
    ["tools", "prompts", "resources"]
      .filter((name) => capabilities[name] !== undefined)
      .map((name) => [name, { ...(capabilities[name] as Params), listChanged: true }]),
  );
  const { protocolVersion: _version, ...rest } = introduction.result;
  return { ...rest, capabilities: { ...capabilities, ...changing } };
}

export function instructionsOf(upstreams: readonly Upstream[]): { instructions?: string } {
  const sections = upstreams.flatMap((upstream) => {
    const text = upstream.introduction?.instructions ?? null;
    return text === null ? [] : [`## ${upstream.name}\n\n${text}`];
  });
  if (sections.length === 0) return {};
  return { instructions: sections.join("\n\n").slice(0, LIMITS.instructionsLength) };
}
