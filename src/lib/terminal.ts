import { fstatSync, statSync } from "node:fs";

/**
 * True for a terminal, and on Windows for NUL; see canAsk(). Without node:tty, which loads two
 * megabytes of streams.
 */
export function isTerminal(descriptor: number): boolean {
  try {
    const device = fstatSync(descriptor);
    const nothing = statSync("/dev/null", { throwIfNoEntry: false });
    return device.isCharacterDevice() && device.rdev !== nothing?.rdev;
  } catch {
    return false;
  }
}
