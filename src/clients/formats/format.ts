import type { Entry } from "../client.ts";

/** A text as a value. `why` has no full stop. */
export type Read =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "invalid"; readonly why: string };

/** Servers to write and to take out; done in that order, so that a list is never empty between. */
export type Edits = {
  readonly set: readonly (readonly [name: string, entry: Entry])[];
  readonly remove: readonly string[];
};

/** Puts pieces in place of parts of a text; the parts do not overlap. */
export function splice(
  text: string,
  pieces: readonly { readonly start: number; readonly end: number; readonly text: string }[],
): string {
  let result = "";
  let done = 0;
  for (const piece of [...pieces].sort((a, b) => a.start - b.start)) {
    result += text.slice(done, piece.start) + piece.text;
    done = piece.end;
  }
  return result + text.slice(done);
}

/** The line ends a text uses. */
export function newlineOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}
