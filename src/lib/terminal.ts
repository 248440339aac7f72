import { fstatSync } from "node:fs";

/**
 * True for a terminal, and for /dev/null, where colours make no difference; see canAsk(). Without
 * node:tty, which loads two megabytes of streams.
 */
export function isTerminal(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return false;
  }
}
