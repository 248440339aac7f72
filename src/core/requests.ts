import type { Turn } from "./effect.ts";
import { runnable } from "./face.ts";
import { fault } from "./fault.ts";
import { answer, type Call, refuse } from "./forward.ts";
import { assume, initialize } from "./handshake.ts";
import { LIMITS } from "./limits.ts";
import { receiveModern } from "./modern.ts";
import { askProject, lacksProject } from "./roots.ts";
import { route } from "./route.ts";
import { MCP_LOG_LEVELS, type McpLogLevel } from "./session.ts";
import { syncLogLevel } from "./subscriptions.ts";
import type { World } from "./world.ts";

/** Takes one request of a client: answers it, sends it on, or says why not. */
export function receiveRequest(world: World, turn: Turn, call: Call): void {
  const { session, request } = call;
  if (session.era === "modern") return receiveModern(world, turn, call);
  if (request.method === "initialize") return initialize(world, turn, call);
  if (request.method === "ping") return answer(turn, call, {});
  if (!session.ready && !assume(world, turn, call)) {
    return refuse(turn, call, fault("session.not-ready"));
  }
  if (session.pending.has(request.id)) {
    const text = `Request id ${JSON.stringify(request.id)} is in use by a request in flight`;
    return refuse(turn, call, fault("message.duplicate-id", text));
  }
  if (session.pending.size >= LIMITS.inFlightPerSession) {
    return refuse(turn, call, fault("session.busy"));
  }
  if (request.method === "logging/setLevel") return setLevel(world, turn, call);
  if (lacksProject(world, session)) {
    return askProject(turn, call, (later) => route(world, later, call));
  }
  route(world, turn, call);
}

/** Logging is per session here: the upstream gets the most verbose level that anyone wants. */
function setLevel(world: World, turn: Turn, call: Call): void {
  const level = call.request.params?.["level"];
  if (!MCP_LOG_LEVELS.includes(level as McpLogLevel)) {
    const text = `Log level ${JSON.stringify(level)} is none of ${MCP_LOG_LEVELS.join(", ")}`;
    return refuse(turn, call, fault("params.invalid", text));
  }
  call.session.logLevel = level as McpLogLevel;
  turn.add({ kind: "keep", session: call.session });
  for (const upstream of world.inView(call.session).flatMap(runnable)) {
    syncLogLevel(world, turn, upstream);
  }
  answer(turn, call, {});
}
