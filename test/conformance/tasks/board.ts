import type { Params } from "../../fixtures/servers/rpc.ts";
import type { TaskPlan } from "./tools.ts";

export type Answer = { readonly result: object } | { readonly error: object };

/** What a client sees of a task; `result`, `error` or `inputRequests` go by its status. */
export type TaskView = {
  readonly taskId: string;
  readonly status: "working" | "input_required" | "completed" | "failed" | "cancelled";
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  readonly ttlMs: number;
  readonly pollIntervalMs: number;
};

type Task = {
  readonly plan: TaskPlan;
  /** Those without an answer. */
  readonly questions: Map<string, object>;
  readonly timer: ReturnType<typeof setTimeout>;
  view: TaskView;
  detail: object;
};

const TTL_MS = 60_000;
const POLL_INTERVAL_MS = 100;

/** The tasks of one server. `changed` hears of each change of status. */
export class TaskBoard {
  readonly #tasks = new Map<string, Task>();
  readonly #changed: (task: TaskView) => void;

  constructor(changed: (task: TaskView) => void) {
    this.#changed = changed;
  }

  /** Starts a task and returns what its creator is told. */
  open(plan: TaskPlan): TaskView {
    const now = new Date().toISOString();
    const view: TaskView = {
      taskId: crypto.randomUUID(),
      status: "working",
      createdAt: now,
      lastUpdatedAt: now,
      ttlMs: TTL_MS,
      pollIntervalMs: POLL_INTERVAL_MS,
    };
    const timer = setTimeout(() => this.#goOn(task), plan.seconds * 1000);
    // A task that takes long does not keep the fixture alive.
    timer.unref();
    const questions = new Map(Object.entries(plan.questions));
    const task: Task = { plan, questions, timer, view, detail: {} };
    this.#tasks.set(view.taskId, task);
    return view;
  }

  /** tasks/get, tasks/update and tasks/cancel. */
  answer(method: string, params: Params): Answer {
    const task = this.#tasks.get(String(params["taskId"]));
    if (task === undefined) return { error: { code: -32602, message: "No such task" } };
    if (method === "tasks/get") return { result: { ...task.view, ...task.detail } };
    if (method === "tasks/cancel") this.#cancel(task);
    else this.#update(task, (params["inputResponses"] ?? {}) as Params);
    return { result: {} };
  }

  #goOn(task: Task): void {
    const { end } = task.plan;
    if (task.questions.size > 0) {
      const inputRequests = Object.fromEntries(task.questions);
      this.#set(task, "input_required", { inputRequests });
    } else {
      this.#set(task, "error" in end ? "failed" : "completed", end);
    }
  }

  #update(task: Task, answers: Params): void {
    const answered = Object.keys(answers).filter((key) => task.questions.delete(key));
    if (answered.length > 0 && task.view.status === "input_required") this.#goOn(task);
  }

  #cancel(task: Task): void {
    clearTimeout(task.timer);
    const { status } = task.view;
    if (status === "working" || status === "input_required") this.#set(task, "cancelled", {});
  }

  #set(task: Task, status: TaskView["status"], detail: object): void {
    task.view = { ...task.view, status, lastUpdatedAt: new Date().toISOString() };
    task.detail = detail;
    this.#changed({ ...task.view, ...detail });
  }
}
