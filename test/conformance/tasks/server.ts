import { type Id, type Incoming, type Params, textResult } from "../../fixtures/servers/rpc.ts";
import { type Answer, TaskBoard, type TaskView } from "./board.ts";
import { declaresTasks, META, missingTasks, REVISION, TASKS } from "./envelope.ts";
import { TOOLS } from "./tools.ts";

/** Writes one message to whoever sent the request. */
export type Send = (message: object) => void;

type Listener = {
  readonly id: Id;
  readonly send: Send;
  readonly taskIds: readonly string[];
  readonly tell: (task: TaskView) => void;
};

const UNCACHED = { ttlMs: 0, cacheScope: "private" };
const SERVER_INFO = { name: "tasks-fixture", version: "1.0.0" };

export class TasksServer {
  readonly #board = new TaskBoard((task) => this.#changed(task));
  readonly #listeners = new Set<Listener>();

  /** Answers a request now or later, over `send`. */
  receive({ id, method, params = {} }: Incoming, send: Send): void {
    if (method === undefined) return;
    if (id === undefined) {
      if (method === "notifications/cancelled") this.forget(params["requestId"], send);
      return;
    }
    if (method === "subscriptions/listen") return this.#listen(id, params, send);
    const answer = this.#answer(method, params);
    if ("error" in answer) send({ id, error: answer.error });
    else send({ id, result: complete(answer.result) });
  }

  /** Ends a subscription: its client has cancelled it or is gone. */
  forget(id: unknown, send: Send): void {
    for (const listener of this.#listeners) {
      if (listener.id === id && listener.send === send) this.#listeners.delete(listener);
    }
  }

  #answer(method: string, params: Params): Answer {
    switch (method) {
      case "server/discover":
        return {
          result: {
            supportedVersions: [REVISION],
            capabilities: { tools: {}, extensions: { [TASKS]: {} } },
            ...UNCACHED,
          },
        };
      case "tools/list":
        return {
          result: { tools: TOOLS.map(({ tool }) => tool), ...UNCACHED },
        };
      case "tools/call":
        return this.#call(params);
      case "tasks/get":
      case "tasks/update":
      case "tasks/cancel":
        if (!declaresTasks(params)) return missingTasks();
        return this.#board.answer(method, params);
      default:
        return { error: { code: -32601, message: `Method not found: ${method}` } };
    }
  }

  #call(params: Params): Answer {
    const found = TOOLS.find(({ tool }) => tool.name === params["name"]);
    if (found === undefined) return { error: { code: -32602, message: "No such tool" } };
    const declared = declaresTasks(params);
    if (found.needsTasks && !declared) return missingTasks();
    const args = (params["arguments"] ?? {}) as Params;
    const answers = (params["inputResponses"] ?? {}) as Params;
    const plan = found.run(args, answers);
    if (plan.kind === "result") return { result: plan.result };
    if (!declared) return { result: textResult("Done without a task.") };
    return { result: { resultType: "task", ...this.#board.open(plan) } };
  }

  #listen(id: Id, params: Params, send: Send): void {
    const wanted = (params["notifications"] ?? {}) as { readonly taskIds?: readonly string[] };
    const taskIds = wanted.taskIds ?? [];
    const _meta = { [META.subscriptionId]: id };
    const notify = (method: string, about: object): void =>
      send({ method, params: { ...about, _meta } });
    this.#listeners.add({ id, send, taskIds, tell: (task) => notify("notifications/tasks", task) });
    notify("notifications/subscriptions/acknowledged", { notifications: { taskIds } });
  }

  #changed(task: TaskView): void {
    for (const { taskIds, tell } of this.#listeners) {
      if (taskIds.includes(task.taskId)) tell(task);
    }
  }
}

function complete(result: object): object {
  return { resultType: "complete", ...result, _meta: { [META.serverInfo]: SERVER_INFO } };
}
