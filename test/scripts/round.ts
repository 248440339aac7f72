import type { LoadResult } from "../../scripts/bench/load.ts";

/** A round in which nothing was out of the ordinary. */
export const round: LoadResult = {
  calls: 100,
  callsPerSecond: 20_000,
  p50Ms: 1,
  p95Ms: 2,
  p99Ms: 3,
  errors: 0,
  firstError: null,
  proxyCpuMicros: 20,
  upstreamCpuMicros: 5,
  generatorCpuMicros: 5,
  generatorBusy: 0.5,
  othersBusy: 0,
};
