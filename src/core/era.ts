/** Revisions of the legacy era (handshake and sessions), newest first. */
export const LEGACY_REVISIONS: readonly string[] = [
  "2025-11-25",
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
  "2024-10-07",
];

/** The revision we open a conversation with. */
export const LEGACY_LATEST = "2025-11-25";

/** The only revision that has JSON-RPC batches (2025-03-26, basic). */
export const BATCH_REVISION = "2025-03-26";

/** What the era of a unit was found to be; its replicas share it. */
export type FoundEra = { era: "auto" | "legacy" | "modern" };

/** The answer to `initialize`: what the client asked for if we speak it, else our newest. */
export function negotiate(asked: unknown): string {
  return typeof asked === "string" && LEGACY_REVISIONS.includes(asked) ? asked : LEGACY_LATEST;
}
