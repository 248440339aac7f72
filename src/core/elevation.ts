import { type Fault, fault } from "./fault.ts";

/**
 * The fault of being root: a daemon runs other people's programs with our rights, and what it wrote
 * to a home kept by sudo would be closed to its owner (MISSION A2). Null when it is permitted.
 */
export function rootFault(
  user: { readonly elevated: boolean },
  environment: { readonly [name: string]: string | undefined },
): Fault | null {
  // Asked last: on Windows it takes a program to know.
  if (environment["MCPD_ALLOW_ROOT"] === "1" || !user.elevated) return null;
  return fault("daemon.root");
}
