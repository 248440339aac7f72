import type { Turn } from "./effect.ts";
import { Exchange } from "./exchange.ts";
import { fault } from "./fault.ts";
import { failure, faultCodeOf } from "./message.ts";
import type { Upstream } from "./upstream.ts";

/** Whether a read has waited for so long that it is worth a second request, once. */
export function isLate(exchange: Exchange, afterMs: number, nowMs: number): boolean {
  const { read, placements, hedged, suspected, sentMs } = exchange;
  return read && placements > 0 && !hedged && !suspected && nowMs - sentMs >= afterMs;
}

/** Sends a read to a second replica as well: the first that answers it counts (MISSION D4). */
export function hedge(turn: Turn, exchange: Exchange, second: Upstream): void {
  const { method, params, session, channel, target, progressToken } = exchange;
  exchange.hedged = true;
  const twin = new Exchange({
    method,
    params,
    session,
    channel,
    target,
    progressToken,
    read: true,
    settle(later, outcome) {
      // That it came to nothing there is no answer.
      if (!exchange.open || faultCodeOf(outcome) !== undefined) return;
      exchange.upstream?.withdraw(later, exchange, "another replica has answered");
      exchange.upstream = second;
      exchange.settle(later, outcome);
    },
  });
  exchange.whenSettled((later) => {
    second.withdraw(later, twin, "another replica has answered");
    const problem = fault("exchange.cancelled", `${method} was answered by another replica`);
    twin.settle(later, failure(problem));
  });
  second.ask(turn, twin);
}
