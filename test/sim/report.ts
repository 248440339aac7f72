/** What a run of the simulation was, for the assertions. */
export class Report {
  readonly seed: number;
  requests = 0;
  answers = 0;
  faults = 0;
  progress = 0;
  updates = 0;
  restarts = 0;
  /** Questions put to a client, and calls whose question could not be attributed. */
  questions = 0;
  refusals = 0;
  /** Instances that were put down because nobody used them. */
  rests = 0;
  /** Upstreams that ran more than once. */
  replicated = 0;
  /** Changes of how often one runs. */
  resized = 0;
  /** Broken promises, in words. Empty when all is well. */
  readonly violations: string[] = [];

  constructor(seed: number) {
    this.seed = seed;
  }
}
