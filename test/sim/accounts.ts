import { runnable } from "../../src/core/face.ts";
import type { Params, RequestId } from "../../src/core/message.ts";
import type { Session } from "../../src/core/session.ts";
import type { Switchboard } from "../../src/core/switchboard.ts";
import type { Reach, Unit } from "../../src/core/unit.ts";
import type { Upstream } from "../../src/core/upstream.ts";
import { unitOf } from "../helpers/unit.ts";
import type { Random } from "./random.ts";
import type { UpstreamModel } from "./upstream-model.ts";

type Model = Extract<Reach, { kind: "stdio" }>;

/** How something ends that serves nobody. */
export const STOPPED = "It was stopped";

export type Client = {
  readonly name: string;
  readonly session: Session;
  /** By id: the text that must come back. */
  readonly open: Map<RequestId, { text: string; token: string | undefined; cancelled: boolean }>;
  left: boolean;
};

/** With time enough for a question to become certain. */
export function patientUnit(name: string, replicas: number, random: Random): Unit {
  const unit = unitOf(name);
  const model = { kind: "stdio", command: "model", args: [], env: {}, cwd: null } as const;
  const idleStopMs = random.pick([null, null, 200]);
  const settings = { idleStopMs, hedgeMs: random.pick([null, 300]), requestTimeoutMs: 20_000 };
  const reach = reachWith(model, replicas);
  return {
    ...unit,
    reach,
    hash: `hash of ${JSON.stringify(reach)}`,
    settings: { ...unit.settings, ...settings },
  };
}

/** One has no number, as in a config that was read. */
function reachWith(reach: Model, count: number): Model {
  const { replicas: _before, ...one } = reach;
  return count === 1 ? one : { ...one, replicas: count };
}

/** Units of which one has another command, or another number of replicas. */
export function changeOne(
  units: readonly Unit[],
  which: number,
  command: string,
  random: Random,
): readonly Unit[] {
  return units.map((unit, index) => {
    const { reach } = unit;
    if (index !== which || reach.kind !== "stdio") return unit;
    const next = random.chance(0.7)
      ? reachWith(reach, random.pick([1, 2, 3, 4]))
      : { ...reach, command };
    return { ...unit, hash: `hash of ${JSON.stringify(next)}`, reach: next };
  });
}

/** Whether a unit has another number of replicas than before. */
export function isResized(unit: Unit, before: Unit | undefined): boolean {
  if (unit.reach.kind !== "stdio" || before?.reach.kind !== "stdio") return false;
  return unit.reach.replicas !== before.reach.replicas;
}

/** What is left at the end although nothing may be, in words. */
export function settleAccounts(
  board: Switchboard,
  clients: readonly Client[],
  models: ReadonlyMap<Upstream, UpstreamModel>,
): string[] {
  const found: string[] = [];
  for (const client of clients) {
    for (const [id, { text }] of client.open)
      found.push(`${client.name} never got an answer to ${id} about "${text}"`);
    if (client.session.asks.size > 0) found.push(`${client.name} still has open questions`);
    if (client.session.pending.size > 0) found.push(`${client.name} still has pending requests`);
  }
  for (const upstream of [...board.upstreams, ...board.instances]) {
    for (const [uri, sessions] of upstream.subscribers) {
      for (const session of sessions) {
        const stands = session.subscriptions.get(uri) === upstream.key;
        if (stands && board.sessions.includes(session)) continue;
        found.push(`${upstream.key} tells ${session.id} of ${uri}, which does not subscribe there`);
      }
    }
    if (upstream.exchanges.size > 0) found.push(`${upstream.name} still has exchanges`);
    if (upstream.waiting.size > 0) found.push(`${upstream.name} still has a queue`);
  }
  const live = [...models].filter(([, model]) => model.alive).map(([{ unit }]) => unit.key);
  if (new Set(live).size < live.length) found.push(`two live instances: ${live.join(", ")}`);
  if (board.busy) found.push("the switchboard is still busy");
  return found;
}

/** The subscriptions of which no upstream knows, in words. */
export function lostSubscriptions(
  board: Switchboard,
  clients: readonly Client[],
): readonly string[] {
  return clients.flatMap(({ name, session, left }) =>
    [...(left ? [] : session.subscriptions)].flatMap(([uri, key]) => {
      const at = board.instances.find((upstream) => upstream.key === key);
      if (at?.subscribers.get(uri)?.has(session) === true) return [];
      return [`${name} subscribes to ${uri} at ${key}, which does not know`];
    }),
  );
}

/** The upstreams that are waited for although nothing of them starts, in words. */
export function unstarted(
  board: Switchboard,
  models: ReadonlyMap<Upstream, UpstreamModel>,
): readonly string[] {
  const awaited = board.upstreams.filter(({ waiting }) => waiting.size > 0);
  return awaited
    .filter((upstream) => !runnable(upstream).some((one) => models.get(one)?.alive === true))
    .map(({ name }) => `${name} is waited for, and nothing starts it`);
}

/** Whether an error tells how something ended that serves nobody, with which nothing was lost. */
export function tellsOfStopped({ message, data }: Params): boolean {
  const lost = (data as Params | undefined)?.["fault"] === "upstream.lost";
  return !lost && String(message).includes(STOPPED);
}
