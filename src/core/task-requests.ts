import type { Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { Exchange } from "./exchange.ts";
import { holderOf, runnable } from "./face.ts";
import { fault } from "./fault.ts";
import { type Call, forward, refuse } from "./forward.ts";
import { Json } from "./message.ts";
import { outdate } from "./reuse.ts";
import type { Session } from "./session.ts";
import { syncListening } from "./subscriptions.ts";
import type { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** The requests about a task, which is named by its id. */
export const TASK_REQUESTS: ReadonlySet<string> = new Set([
  "tasks/get",
  "tasks/result",
  "tasks/update",
  "tasks/cancel",
]);

/** Sends a request about tasks to the upstream that has them, for who made them. */
export function sendTask(turn: Turn, call: Call, serving: Upstream): void {
  const { session, request } = call;
  const { method, params } = request;
  const upstream = holderOf(serving, session, params?.["taskId"]);
  const other = upstream.phase === "ready" && upstream.era !== session.era;
  // Tasks of the two eras have only their names in common.
  if (other || (session.era === "legacy" && !upstream.has("tasks"))) {
    return refuse(turn, call, fault("method.unknown", `Method not found: ${method}`));
  }
  if (method === "tasks/list") {
    return forward(turn, call, upstream, {
      transform: (list) => ownTasks(list, session, upstream),
    });
  }
  const taskId = params?.["taskId"];
  const standing = upstream.tasks.standing(session, taskId);
  // A modern upstream elsewhere may have tasks of before we were started: they are its to judge.
  const known = standing === "own" || (standing === "unknown" && session.era === "modern");
  if (!known) return refuseTask(turn, call);
  forward(turn, call, upstream, {
    transform(result) {
      if (method === "tasks/get" || method === "tasks/cancel") upstream.tasks.note(result.value);
      return result;
    },
    // What a task does, it does after the answer to the call that made it.
    settled: () => outdate(upstream),
  });
}

/** The aggregate: the task says whose it is. */
export function sendTaskToOwner(world: World, turn: Turn, call: Call): void {
  const { session, request } = call;
  const owner = ownerOfTask(world, session, request.params?.["taskId"]);
  if (owner === undefined) return refuseTask(turn, call);
  sendTask(turn, call, owner);
}

/** The tasks of a subscription's filter that it will hear of. */
export function watchTasks(
  world: World,
  turn: Turn,
  session: Session,
  wanted: readonly unknown[],
): readonly string[] {
  return wanted.filter((id): id is string => {
    if (typeof id !== "string") return false;
    const [only] = session.view.kind === "one" ? world.inView(session) : [];
    const unknown = only === undefined ? undefined : holderOf(only, session, id);
    const owner = ownerOfTask(world, session, id) ?? unknown;
    if (owner === undefined || owner.tasks.standing(session, id) === "other") return false;
    owner.tasks.watch(session, id);
    if (owner.phase === "ready" && owner.era === "modern") syncListening(turn, owner);
    return true;
  });
}

/** A session leaves: nobody can ask for its tasks any more. */
export function leaveTasks(world: World, turn: Turn, session: Session): void {
  for (const upstream of world.instances) {
    const orphans = upstream.tasks.leave(session);
    if (upstream.phase !== "ready") continue;
    if (upstream.era === "modern" && session.listening !== null) syncListening(turn, upstream);
    for (const taskId of orphans) {
      const settle = (): void => undefined;
      const method = "tasks/cancel";
      upstream.ask(turn, new Exchange({ method, params: { taskId }, settle }));
    }
  }
}

function ownerOfTask(world: World, session: Session, id: unknown): Upstream | undefined {
  const instances = world.inView(session).flatMap(runnable);
  return instances.find(({ tasks }) => tasks.standing(session, id) === "own");
}

function refuseTask(turn: Turn, call: Call): void {
  const id = call.request.params?.["taskId"];
  const subject = typeof id === "string" ? id : "";
  refuse(turn, call, fault("task.unknown", `Unknown task: ${subject}`, subject));
}

/** One page of an upstream's tasks, without those of others. */
function ownTasks(list: Json, session: Session, { tasks }: Upstream): Json {
  const { value } = list;
  const all: unknown = isObject(value) ? value["tasks"] : undefined;
  if (!isObject(value) || !Array.isArray(all)) return Json.ofValue({ tasks: [] });
  const own = (all as readonly unknown[]).filter(
    (task) => isObject(task) && tasks.standing(session, task["taskId"]) === "own",
  );
  return Json.ofValue({ ...value, tasks: own });
}
