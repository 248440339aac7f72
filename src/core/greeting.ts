import type { Turn } from "./effect.ts";
import { LEGACY_LATEST } from "./era.ts";
import { Exchange } from "./exchange.ts";
import {
  assumedIntroduction,
  type Introduction,
  readDiscovery,
  readIntroduction,
} from "./introduction.ts";
import type { Outcome } from "./message.ts";
import { capabilitiesFor } from "./questions.ts";
import type { Unit } from "./unit.ts";
import type { Upstream } from "./upstream.ts";

/** Begins the conversation with an instance whose link is up: in its era, or by finding out. */
export function greet(turn: Turn, upstream: Upstream): void {
  if (knownEra(upstream) === "legacy") hello(turn, upstream);
  else discover(turn, upstream);
}

/** What is known of its era: what the config says, else what was found out before. */
export function knownEra({ unit, found }: Upstream): Unit["era"] {
  return unit.era === "auto" ? found.era : unit.era;
}

/** Legacy servers refuse this, ignore it, or even exit: then they get their own greeting. */
function discover(turn: Turn, upstream: Upstream): void {
  const settle = (later: Turn, outcome: Outcome): void => {
    if (upstream.phase !== "opening") return;
    const read = readDiscovery(upstream.name, outcome);
    if (!("kind" in read)) {
      upstream.found.era = "modern";
      introduce(later, upstream, read);
    } else if (upstream.unit.era === "modern") {
      introduce(later, upstream, assumedIntroduction(upstream.name));
    } else {
      upstream.found.era = "legacy";
      hello(later, upstream);
    }
  };
  const method = "server/discover";
  upstream.dispatch(turn, new Exchange({ method, settle }));
}

function hello(turn: Turn, upstream: Upstream): void {
  const settle = (later: Turn, outcome: Outcome): void => {
    const read = readIntroduction(upstream.name, outcome);
    if (!("kind" in read)) return introduce(later, upstream, read);
    later.add({ kind: "refuse", upstream, problem: read });
    upstream.waiting.fail(later, read);
  };
  const params = {
    protocolVersion: LEGACY_LATEST,
    capabilities: capabilitiesFor(upstream.audience),
    clientInfo: upstream.about,
  };
  upstream.dispatch(turn, new Exchange({ method: "initialize", params, settle }));
}

function introduce(turn: Turn, upstream: Upstream, introduction: Introduction): void {
  upstream.introduction = introduction;
  upstream.phase = "ready";
  if (upstream.era === "legacy") upstream.notify(turn, "notifications/initialized");
  turn.add({ kind: "ready", upstream });
}
