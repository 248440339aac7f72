import type { Fault } from "../core/fault.ts";
import { HttpClientLink } from "./http-client.ts";
import type { CloseReason, Link } from "./link.ts";
import type { RemoteDeps, RemoteEvents, RemoteTarget } from "./remote.ts";
import { SseClientLink } from "./sse-client.ts";

/**
 * Streamable HTTP; or, when the server takes no POST there, HTTP+SSE at the same URL (2025-11-25,
 * basic/transports, "Backwards Compatibility").
 */
export class HttpOrSseLink implements Link {
  #link: Link;

  constructor(target: RemoteTarget, deps: RemoteDeps, events: RemoteEvents) {
    this.#link = new HttpClientLink(target, deps, {
      message: (text) => events.message(text),
      noise: (text) => events.noise(text),
      closed: (problem) => events.closed(problem),
      unfit: (problem, text) => {
        let works = false;
        this.#link = new SseClientLink(target, deps, {
          message: (answer) => {
            works = true;
            events.message(answer);
          },
          noise: (what) => events.noise(what),
          closed: (later) => events.closed(works ? later : neither(problem)),
        });
        this.#link.send(text);
      },
    });
  }

  send(text: string): boolean {
    return this.#link.send(text);
  }

  close(reason: CloseReason): void {
    this.#link.close(reason);
  }
}

/** What the newer transport said is the better explanation. */
function neither(problem: Fault): Fault {
  const text = `${problem.text}, and it has no stream of the older HTTP+SSE either`;
  return { ...problem, code: "upstream.unreachable", text };
}
