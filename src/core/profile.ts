import type { Entry } from "./listing.ts";
import { matches } from "./policy.ts";
import type { UnitSettings } from "./unit.ts";

/** How much of the aggregate a kind of client is shown, and in which form (MISSION D6). */
export type Profile = {
  /** Glob over the name a client gives itself. */
  readonly glob: string;
  readonly tools: UnitSettings["tools"];
  /** "search": instead of all tools, a few that find, describe and call them. */
  readonly mode: "list" | "search";
  /** Longer descriptions are cut, at the end of a sentence where there is one; null for never. */
  readonly descriptionLength: number | null;
  /** Longer results are kept back: the client gets the beginning and a link; null for never. */
  readonly resultLength: number | null;
};

/** What clients get whom no profile fits. */
export const OPEN_PROFILE: Profile = {
  glob: "*",
  tools: { allow: [], deny: [] },
  mode: "list",
  descriptionLength: null,
  resultLength: null,
};

/** The first profile that fits a client's name. Our own command line is never limited. */
export function profileFor(
  profiles: readonly Profile[],
  { principal, client }: { readonly principal: string; readonly client: { readonly name: string } },
): Profile {
  if (principal === "control") return OPEN_PROFILE;
  return profiles.find(({ glob }) => matches(glob, client.name)) ?? OPEN_PROFILE;
}

/** Whether a profile lets its clients use a tool, by whichever of its names it is called. */
export function profileAllows({ tools }: Profile, names: readonly string[]): boolean {
  const fits = (globs: readonly string[]): boolean =>
    globs.some((glob) => names.some((name) => matches(glob, name)));
  return !fits(tools.deny) && (tools.allow.length === 0 || fits(tools.allow));
}

/** Tools in the form a profile's clients are shown them. */
export function shownTools(entries: readonly Entry[], profile: Profile): readonly Entry[] {
  const { descriptionLength, resultLength } = profile;
  const whole = resultLength === null ? entries : entries.map(withoutOutputSchema);
  if (descriptionLength === null) return whole;
  return whole.map((entry) => {
    const description = entry["description"];
    if (typeof description !== "string" || description.length <= descriptionLength) return entry;
    return { ...entry, description: shortened(description, descriptionLength) };
  });
}

/** A client that knows the form of results refuses one that was cut. */
function withoutOutputSchema({ outputSchema: _schema, ...entry }: Entry): Entry {
  return entry;
}

/** The beginning of a text: whole sentences if any fits, else as many characters as may be. */
export function shortened(text: string, length: number): string {
  const head = text.slice(0, length);
  const sentence = /^[\s\S]*[.!?](?=\s)/.exec(`${head} `)?.[0];
  return sentence ?? `${text.slice(0, endWithin(text, length - 1)).trimEnd()}…`;
}

/** `end`, or one less where it would cut a character in two: half of one is no text to others. */
export function endWithin(text: string, end: number): number {
  return /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) && end < text.length ? end - 1 : end;
}
