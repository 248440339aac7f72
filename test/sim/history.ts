import type { Random } from "./random.ts";
import type { Habits } from "./upstream-model.ts";

/** How much happens in a run of the simulation. */
export type History = {
  readonly clients: number;
  readonly upstreams: number;
  /** What clients do, and changes of the config, within so many milliseconds. */
  readonly steps: number;
  readonly changes: number;
  readonly activeMs: number;
};

/** Much happens between two changes. */
const WORK: History = { clients: 12, upstreams: 3, steps: 300, changes: 3, activeMs: 60_000 };

/** One change is made while the others are still carried out. */
const CHANGE: History = { clients: 8, upstreams: 1, steps: 150, changes: 12, activeMs: 6_000 };

export const HISTORIES: readonly History[] = [WORK, CHANGE];

export type Chances = Habits & {
  /** That an upstream is removed, to come back, instead of changed. */
  readonly removes: number;
  /** That one ends instead of starting. */
  readonly startsNot: number;
};

export function chancesFrom(random: Random): Chances {
  const rarely = (): number => (random.chance(0.5) ? random.next() * 0.05 : 0);
  return {
    removes: random.pick([0, 0.3]),
    startsNot: random.pick([0, 0, 0.5, 1]),
    slowMs: 1 + random.below(500),
    dies: rarely(),
    answersTwice: rarely(),
    wrongId: rarely(),
    neverAnswers: rarely(),
    floods: rarely(),
  };
}
