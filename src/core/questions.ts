import type { Turn } from "./effect.ts";
import { fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { type Params, type Request, resultResponse } from "./message.ts";
import { OpenQuestion } from "./question.ts";
import { fileUri } from "./roots.ts";
import type { Audience } from "./scope.ts";
import { relatedTask } from "./tasks.ts";
import type { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** What a legacy upstream is told that its clients can do; who cannot is found out later. */
export function capabilitiesFor({ kind }: Audience): Params {
  const roots = { listChanged: kind === "session" };
  return { sampling: {}, elicitation: { form: {}, url: {} }, roots };
}

/**
 * Puts a question of a shared upstream to the client whose call caused it (protocol row 9). The
 * upstream does not say which call that is, so: a single call in flight is the one; of several,
 * those that end are ruled out until one session is left; what stays uncertain is refused. A call
 * that came after the question cannot have caused it. Never guessed, never broadcast. One of a task
 * says so, and goes to who made the task.
 */
export function ask(world: World, turn: Turn, upstream: Upstream, request: Request): void {
  const { audience } = upstream;
  const roots = knownRoots(upstream, request);
  if (roots !== null) return upstream.respond(turn, resultResponse(request.id, { roots }));
  const task = relatedTask(request.params);
  const homeId = audience.kind === "session" ? audience.id : upstream.tasks.owner(task);
  const home = world.sessions.get(homeId ?? "");
  const { exchanges } = upstream;
  // One that waits for its client's answer as well: it may ask for two things at a time.
  const suspects = new Set(task === null ? exchanges.calls() : exchanges.waitingFor(task));
  const question = new OpenQuestion(world, upstream, request, suspects, home ?? null);
  if (
    upstream.questions.has(request.id) ||
    upstream.questions.size >= LIMITS.questionsPerUpstream
  ) {
    return question.refuse(turn, fault("upstream.busy", "Too many questions are open"));
  }
  if (task !== null && home === undefined) {
    return question.refuse(turn, fault("question.nobody", "The task has no client", upstream.name));
  }
  upstream.questions.set(request.id, question);
  for (const suspect of suspects) {
    suspect.suspected = true;
    suspect.whenReleased((later, answered) => {
      // Only an answer rules a call out: one that was given up may have asked before.
      if (answered) question.clear(later, suspect);
    });
    suspect.whenSettled((later) => question.abandon(later));
  }
  question.consider(turn);
}

/**
 * Roots that no client has to be asked for: a project's instance has its project, and what an
 * instance of everybody asks outside any call is answered with none, since the roots of all would
 * show each project to the others.
 */
function knownRoots({ audience, exchanges }: Upstream, { method }: Request): Params[] | null {
  if (method !== "roots/list") return null;
  if (audience.kind === "project") return [{ uri: fileUri(audience.root) }];
  return audience.kind === "user" && exchanges.calls().length === 0 ? [] : null;
}

/**
 * Refuses the questions that have waited for certainty for too long, and those whose client is
 * silent while calls stand in line: it may have left for good.
 */
export function expireQuestions(turn: Turn, upstream: Upstream): void {
  const questions = [...upstream.questions.values()];
  const waiting = [...upstream.lane.queued, ...questions.flatMap(({ uncertain }) => uncertain)];
  for (const question of questions) question.expire(turn, waiting);
}
