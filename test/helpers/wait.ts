/** How long a test waits for what must come: generous, since only a failure takes that long. */
const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 10;

/**
 * Looks until `probe` has something (not undefined, null or false) and returns it; throws with
 * `what` when that takes too long. For what sends no event; await the event where there is one.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  patienceMs: number = PATIENCE_MS,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) {
      return found as NonNullable<Exclude<T, false>>;
    }
    if (performance.now() > deadline)
      throw new Error(`Waited ${patienceMs} ms in vain for ${what}`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/** Rejects with `what` when `promise` takes too long. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`Waited ${patienceMs} ms in vain for ${what}`)),
    patienceMs,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
