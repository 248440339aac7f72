import type { Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";

/** The upstream that the rest of mcpd knows an instance by: its face, or itself. */
export function faceOf(upstream: Upstream): Upstream {
  return upstream.group?.face ?? upstream;
}

/** What runs, or may run, of an upstream: its replicas, or itself. */
export function runnable(upstream: Upstream): readonly Upstream[] {
  return upstream.group?.face === upstream ? upstream.group.members : [upstream];
}

/** The replica that a session stays with from now on; where there is only one, that. */
export function homeOf(upstream: Upstream, session: Session): Upstream {
  return upstream.group?.settleAt(session) ?? upstream;
}

/** The replica that has a task of a session; where there is only one, that. */
export function holderOf(upstream: Upstream, session: Session, taskId: unknown): Upstream {
  return upstream.group?.holderOf(session, taskId) ?? upstream;
}
