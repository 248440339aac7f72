import type { Wire } from "../core/message.ts";

// transport: one file per wire. This one is the contract they share.

/** Why a link ended. */
export type CloseReason = { readonly kind: "local" | "remote" | "error"; readonly text: string };

/** A live two-way message pipe over one transport. Text is one JSON-RPC message or batch. */
export interface Link {
  /**
   * Queues one message. False when the bounded queue is full or the link is closed: nothing is
   * sent.
   */
  send(text: string): boolean;
  close(reason: CloseReason): void;
}

/** A message that was longer than `bytesMax`: what is known of it. */
export type Cut = { readonly head: string; readonly bytesMax: number };

/** What the owner of a link hears, in order; `closed` comes once and last. */
export interface LinkEvents {
  message(wire: Wire): void;
  /** A line that is no message: too long, or not what the wire allows. */
  noise(text: string, cut?: Cut): void;
  closed(reason: CloseReason): void;
}
