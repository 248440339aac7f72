import { isObject, metaOf } from "./envelope.ts";
import type { ProgressToken } from "./exchange.ts";
import { LIMITS } from "./limits.ts";
import type { Json, Params } from "./message.ts";
import type { Session } from "./session.ts";

/** Where a message says that it belongs to a task (2025-11-25, utilities/tasks). */
const RELATED_TASK = "io.modelcontextprotocol/related-task";

/** The states a task does not leave again. */
const FINAL: ReadonlySet<unknown> = new Set(["completed", "failed", "cancelled"]);

type Task = {
  /** The id of the session that made it; in the modern era, which has none, its principal. */
  readonly owner: string;
  /** When it is forgotten (monotonic ms). */
  readonly untilMs: number;
  readonly progress: TaskProgress;
  finished: boolean;
};

/** The progress token of the call that made a task is good as long as the task works. */
type TaskProgress = {
  /** As the upstream has it. */
  readonly sentToken: number | null;
  /** As the client gave it; undefined when it wants to hear nothing. */
  readonly token: ProgressToken | undefined;
};

/**
 * The tasks of one upstream and whose they are: a shared upstream does not tell its clients apart,
 * so an id is good only for who made the task (protocol rows 24 and 25).
 */
export class TaskTable {
  readonly #tasks = new Map<string, Task>();
  /** The modern subscriptions that want to hear of a task, by its id. */
  readonly #watchers = new Map<string, Set<Session>>();

  /** The tasks that somebody wants to hear of. */
  get watched(): readonly string[] {
    return [...this.#watchers.keys()];
  }

  /** Whether one is at work. */
  get working(): boolean {
    return [...this.#tasks.values()].some(({ finished }) => !finished);
  }

  /** The owners of those at work, each once. */
  get owners(): ReadonlySet<string> {
    const working = [...this.#tasks.values()].filter(({ finished }) => !finished);
    return new Set(working.map(({ owner }) => owner));
  }

  /** Notes the task that the result of a call stands for, if it does. */
  learn(session: Session, result: Json, progress: TaskProgress, nowMs: number): void {
    // What stands for a task is short and says so; other results are not looked into.
    if (result.length > LIMITS.answerParseLength || !result.text.includes('"taskId"')) return;
    const { value } = result;
    if (!isObject(value)) return;
    const task = session.era === "legacy" ? value["task"] : value;
    if (!isObject(task) || typeof task["taskId"] !== "string") return;
    if (session.era === "modern" && value["resultType"] !== "task") return;
    const ttl = task["ttl"] ?? task["ttlMs"];
    const keptMs = typeof ttl === "number" ? Math.min(ttl, LIMITS.taskMs) : LIMITS.taskMs;
    const [oldest = ""] = this.#tasks.keys();
    if (this.#tasks.size >= LIMITS.tasksPerUpstream) this.#tasks.delete(oldest);
    const finished = FINAL.has(task["status"]);
    const owner = ownerOf(session);
    this.#tasks.set(task["taskId"], { owner, untilMs: nowMs + keptMs, progress, finished });
  }

  /** Notes what a task has come to, as the upstream tells it. */
  note(about: unknown): void {
    if (!isObject(about) || !FINAL.has(about["status"])) return;
    const task = this.#tasks.get(String(about["taskId"]));
    if (task !== undefined) task.finished = true;
  }

  /** Whose it is: "own", another's, or unknown here. */
  standing(session: Session, id: unknown): "own" | "other" | "unknown" {
    const task = this.#tasks.get(String(id));
    if (task === undefined) return "unknown";
    return task.owner === ownerOf(session) ? "own" : "other";
  }

  owner(id: unknown): string | undefined {
    return this.#tasks.get(String(id))?.owner;
  }

  /** Whose task some progress is of, and the progress with the client's own token. */
  progress(params: Params | undefined): { readonly owner: string; readonly params: Params } | null {
    const sentToken = params?.["progressToken"];
    if (typeof sentToken !== "number") return null;
    for (const { owner, finished, progress } of this.#tasks.values()) {
      if (finished || progress.sentToken !== sentToken || progress.token === undefined) continue;
      return { owner, params: { ...params, progressToken: progress.token } };
    }
    return null;
  }

  watch(session: Session, id: string): void {
    this.#watchers.set(id, (this.#watchers.get(id) ?? new Set()).add(session));
  }

  watchers(id: unknown): ReadonlySet<Session> {
    return this.#watchers.get(String(id)) ?? new Set();
  }

  /** Forgets a session that leaves. Returns those of its tasks that are still at work. */
  leave(session: Session): readonly string[] {
    for (const [id, sessions] of this.#watchers) {
      if (sessions.delete(session) && sessions.size === 0) this.#watchers.delete(id);
    }
    const orphans: string[] = [];
    for (const [id, { owner, finished }] of this.#tasks) {
      if (owner !== session.id) continue;
      this.#tasks.delete(id);
      if (!finished) orphans.push(id);
    }
    return orphans;
  }

  /** Forgets those whose time is over. */
  expire(nowMs: number): void {
    for (const [id, { untilMs }] of this.#tasks) if (untilMs <= nowMs) this.#tasks.delete(id);
  }

  /** The instance is gone, and its tasks with it. */
  clear(): void {
    this.#tasks.clear();
  }
}

/** The task a message of an upstream says it belongs to. */
export function relatedTask(params: Params | undefined): string | null {
  const related = metaOf(params)?.[RELATED_TASK];
  return isObject(related) && typeof related["taskId"] === "string" ? related["taskId"] : null;
}

function ownerOf(session: Session): string {
  return session.era === "legacy" ? session.id : `principal ${session.principal}`;
}
