import type { UnitSettings } from "./unit.ts";

/**
 * Whether the config lets clients see and call a tool: `deny` wins, an empty `allow` allows all.
 */
export function toolAllowed(tools: UnitSettings["tools"], name: string): boolean {
  if (tools.deny.some((pattern) => matches(pattern, name))) return false;
  return tools.allow.length === 0 || tools.allow.some((pattern) => matches(pattern, name));
}

/** Whether the upstream's tools are filtered at all. */
export function filtersTools(tools: UnitSettings["tools"]): boolean {
  return tools.allow.length > 0 || tools.deny.length > 0;
}

/** Glob with `*` (any characters) and `?` (one), over the whole name. Linear time. */
export function matches(pattern: string, name: string): boolean {
  let at = 0;
  let inName = 0;
  let star = -1;
  let retry = 0;
  while (inName < name.length) {
    if (pattern[at] === "*") {
      star = at++;
      retry = inName;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === name[inName])) {
      at++;
      inName++;
    } else if (star >= 0) {
      at = star + 1;
      inName = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
