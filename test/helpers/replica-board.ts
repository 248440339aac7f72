import type { Upstream } from "../../src/core/upstream.ts";
import { Board, type Wire } from "./board.ts";
import { unitOf } from "./unit.ts";

export const TOOLS = [
  { name: "write" },
  { name: "look", annotations: { readOnlyHint: true } },
  { name: "lie", annotations: { readOnlyHint: "yes" } },
];

export const REACH = { kind: "stdio", command: "model", args: [], env: {}, cwd: null } as const;

/** A board that tells what each replica was sent. */
export class ReplicaBoard extends Board {
  sentBy(upstream: Upstream | undefined, method: string): readonly Wire[] {
    return this.effects.flatMap((effect) => {
      if (effect.kind !== "send" || effect.upstream !== upstream) return [];
      const message = JSON.parse(effect.text) as Wire;
      return message.method === method ? [message] : [];
    });
  }

  /** How often each of some replicas was sent a method. */
  counts(replicas: readonly Upstream[], method: string): readonly number[] {
    return replicas.map((one) => this.sentBy(one, method).length);
  }

  answerLast(upstream: Upstream, method: string, content = "done"): void {
    const request = this.sentBy(upstream, method).at(-1);
    if (request === undefined) throw new Error(`${upstream.key} was never sent ${method}`);
    this.reply(upstream, request, { content });
  }
}

/** An upstream "a" with so many replicas, which a client has asked for. */
export function boardWith(
  count: number,
  settings: object = {},
): [ReplicaBoard, readonly Upstream[]] {
  const made = new ReplicaBoard();
  const unit = unitOf("a");
  made.apply({
    ...unit,
    reach: { ...REACH, replicas: count },
    settings: { ...unit.settings, requestTimeoutMs: 60_000, ...settings },
  });
  made.ask(made.open(), "initialize", { protocolVersion: "2025-06-18" });
  return [made, made.switchboard.instances];
}

export function startReplica(
  board: Board,
  upstream: Upstream,
  tools: readonly object[] = TOOLS,
): void {
  board.startThis(upstream, { tools: tools as never, prompts: [{ name: "say" }] });
}

export function replicaAt(replicas: readonly Upstream[], index: number): Upstream {
  const found = replicas[index];
  if (found === undefined) throw new Error(`there is no replica ${index}`);
  return found;
}
