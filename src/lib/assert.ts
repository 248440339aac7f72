// lib: small tools without a word of MCP. This one tells programmer errors from operating errors.

/** Crashes on a programmer error: the process ends and its supervisor starts a fresh one. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${message}`);
}

/** For the end of an exhaustive switch: the type checker proves that no case is missing. */
export function unreachable(value: never): never {
  throw new Error(`Broken invariant: unexpected value ${JSON.stringify(value)}`);
}
