import { type ControlHandlers, ControlHost } from "../control/host.ts";
import { fault, isFault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { projectOf, viewOf } from "../transport/accept.ts";
import type { Desk, Opening } from "../transport/door.ts";
import { MessageSession } from "../transport/message-session.ts";
import type { SocketConnection, SocketEvents } from "../transport/socket-connection.ts";

/**
 * One private connection: our own methods go to the control host, the rest is one MCP session.
 * `project` is what that session works on unless it attaches to another; `opened` is told when
 * there is one.
 */
export function converse(
  connection: Pick<SocketConnection, "send">,
  options: {
    readonly desk: Desk;
    readonly handlers: ControlHandlers;
    readonly clock: Clock;
    readonly door: Extract<Opening["door"], "socket" | "stdio">;
    readonly project: string | null;
    readonly opened: () => void;
  },
): SocketEvents {
  const { desk, clock, door } = options;
  const send = (text: string): void => void connection.send(text);
  let seen: Pick<Opening, "view" | "project"> = { view: viewOf(null), project: options.project };
  let opened = false;
  const mcp = new MessageSession({ clock, send }, (single) => {
    opened = true;
    options.opened();
    const session = desk.open({ ...seen, principal: door, door, ...single });
    const heard = !isFault(session) && single.envelope === undefined;
    if (heard) session.listen({ streams: true, mustAnswer: false, write: send });
    return session;
  });
  const host = new ControlHost(options.handlers, {
    send,
    mcp: (text) => mcp.receive(text),
    attach({ upstream = null, project: named = null }) {
      if (opened) return fault("message.invalid", "Cannot attach: the session is open already");
      const project = projectOf(named);
      if (isFault(project)) return project;
      seen = { view: viewOf(upstream), project };
      const session = mcp.open();
      return isFault(session) ? session : null;
    },
  });
  return {
    message: (text) => host.receive(text),
    closed() {
      host.close();
      mcp.close();
    },
  };
}
