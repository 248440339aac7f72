/** A process and who started it. */
type Row = { readonly pid: number; readonly parent: number };

/** These and all they have started, each once. */
export function family<R extends Row>(table: readonly R[], roots: readonly R[]): ReadonlySet<R> {
  const children = Map.groupBy(table, ({ parent }) => parent);
  const found = new Set(roots);
  // What is added while a set is walked is walked as well.
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child);
  return found;
}
