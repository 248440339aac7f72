import type { Fault } from "../core/fault.ts";
import type { Wire } from "../core/message.ts";
import type { Unit } from "../core/unit.ts";
import type { Cut } from "../transport/link.ts";

/** What runs a unit, as the pool sees it: a process, mcpd itself, or nothing that can run yet. */
export interface Instance {
  /** For status. */
  readonly state: "idle" | "starting" | "ready" | "waiting" | "stopping" | "failed";
  readonly pid: number | null;
  readonly restarts: number;
  /** When it became ready (monotonic ms); null when it is not. */
  readonly readySinceMs: number | null;
  /** Somebody wants it: start it unless it runs. */
  demand(): void;
  /** It is wanted for more than its lists: a long wait for what was out of reach ends. */
  hurry(): void;
  /** The MCP handshake is done. */
  ready(): void;
  /** The MCP handshake failed. */
  refuse(problem: Fault): void;
  /** Takes settings that need no restart, and does not wait any longer if it was waiting. */
  configure(unit: Unit): void;
  /** False when the message cannot be queued. */
  send(text: string): boolean;
  /** Nobody uses it: down until the next demand. */
  rest(): void;
  /** Resolves when nothing of it is left. */
  stop(): Promise<void>;
}

/** What an instance tells the pool. */
export interface InstanceEvents {
  opened(): void;
  message(wire: Wire): void;
  noise(text: string, cut?: Cut): void;
  /** Gone, once per start; `retryInMs` is null when it does not come back by itself. */
  gone(problem: Fault, retryInMs: number | null): void;
  /** A demand cannot be met for a while. */
  unavailable(problem: Fault): void;
}
