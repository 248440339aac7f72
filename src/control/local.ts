import { fault, FaultError, isFault } from "../core/fault.ts";
import type { ControlApi, ControlMethod } from "./api.ts";
import type { ControlPort, RequestOptions } from "./client.ts";
import type { ControlContext, ControlHandlers } from "./host.ts";

type Handler = (params: object, context: ControlContext) => unknown;

/** Asks the handlers of this very process in the way ControlClient asks those of the daemon. */
export class LocalControl implements ControlPort {
  readonly #handlers: ControlHandlers;

  constructor(handlers: ControlHandlers) {
    this.#handlers = handlers;
  }

  async request<M extends ControlMethod>(
    method: M,
    params: ControlApi[M]["params"],
    { signal, onProgress, onQuestion }: RequestOptions = {},
  ): Promise<ControlApi[M]["result"]> {
    const handlers: { readonly [method: string]: unknown } = this.#handlers;
    const handler = handlers[method] as Handler | undefined;
    // What concerns a connection has no meaning where there is none.
    if (handler === undefined) throw new FaultError(fault("method.unknown"));
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(new FaultError(fault("exchange.cancelled", "Cancelled")));
    const heeded = signal ?? new AbortController().signal;
    heeded.addEventListener("abort", giveUp);
    if (heeded.aborted) giveUp();
    const over = new AbortController();
    const context: ControlContext = {
      signal: heeded,
      progress: (note) => onProgress?.({ ...note, id: 0 }),
      ask: async (asked) => (await onQuestion?.(asked, over.signal)) ?? { action: "cancel" },
    };
    try {
      const answer = await Promise.race([given, handler(params, context)]);
      if (isFault(answer)) throw new FaultError(answer);
      return answer as ControlApi[M]["result"];
    } finally {
      over.abort();
      heeded.removeEventListener("abort", giveUp);
    }
  }
}
