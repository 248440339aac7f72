/** A pending timer; cancelling one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as the rest of the program sees it, so that tests can bring their own. */
export interface Clock {
  /** Wall time in milliseconds since the epoch: for people and files. */
  now(): number;
  /** Monotonic milliseconds with fractions: for durations and deadlines. */
  monotonic(): number;
  /** Calls `action` once, never before `delayMs` have passed on the monotonic clock. */
  after(delayMs: number, action: () => void): Timer;
  /** Calls `action` every `periodMs` until cancelled. */
  every(periodMs: number, action: () => void): Timer;
  sleep(delayMs: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, action) {
    // The runtime cuts fractions off: a deadline would be looked at just before it is due.
    const handle = setTimeout(action, Math.ceil(delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
  every(periodMs, action) {
    const handle = setInterval(action, periodMs);
    return { cancel: () => clearInterval(handle) };
  },
  // Not Bun.sleep: the library runs on Node too.
  sleep: (delayMs) => new Promise((resolve) => void setTimeout(resolve, delayMs)),
};
