declare const MCPD_VERSION: string | undefined;
declare const MCPD_COMMIT: string | undefined;
declare const MCPD_TARGET: string | undefined;
declare const MCPD_RELEASE_KEYS: string | undefined;

/** Stamped by build/compile.ts; "0.0.0-dev" when run from source. */
export const VERSION: string = typeof MCPD_VERSION === "string" ? MCPD_VERSION : "0.0.0-dev";

/** Short commit the binary was built from, or "source". */
export const COMMIT: string = typeof MCPD_COMMIT === "string" ? MCPD_COMMIT : "source";

/** What it was built for, as the files of a release name it; "" when run from source. */
export const TARGET: string = typeof MCPD_TARGET === "string" ? MCPD_TARGET : "";

/** Public keys of releases in minisign's form; an empty list trusts no download. */
export const RELEASE_KEYS: readonly string[] =
  typeof MCPD_RELEASE_KEYS === "string" ? MCPD_RELEASE_KEYS.split(" ").filter(Boolean) : [];
