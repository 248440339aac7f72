/** JSON with the keys of every object sorted, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** SHA-256 as 64 lower-case hex digits. */
export function sha256(data: string | Uint8Array): string {
  // Bun's own takes no time to load; the library runs on Node too.
  if (typeof Bun !== "undefined") return new Bun.CryptoHasher("sha256").update(data).digest("hex");
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(data).digest("hex");
}
