import type { Clock } from "./clock.ts";

/** Asks every `pollMs` until the answer is yes; false when it is none after `patienceMs`. */
export async function until(
  clock: Clock,
  { patienceMs, pollMs }: { readonly patienceMs: number; readonly pollMs: number },
  probe: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const deadlineMs = clock.monotonic() + patienceMs;
  while (!(await probe())) {
    if (clock.monotonic() >= deadlineMs) return false;
    await clock.sleep(pollMs);
  }
  return true;
}
